// SPDX-License-Identifier: Apache-2.0
import { ref } from 'vue';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'sluice.theme';

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** What the person chose; `system` follows the machine. */
export const theme = ref<Theme>(stored());

/** Whether dark colours are shown now. */
export function isDark(): boolean {
  return theme.value === 'dark' || (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  applyTheme();
}

/** Puts the choice on the document, before anything is painted. */
export function applyTheme(): void {
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
}
