// SPDX-License-Identifier: Apache-2.0
import '@fontsource-variable/inter/wght.css';
import '@ui/tokens.css';
import '@ui/base.css';
import { createApp } from 'vue';
import { applyTheme } from '@ui/theme';
import App from './App.vue';
import { router } from './router';

applyTheme();
createApp(App).use(router).mount('#app');
