// SPDX-License-Identifier: Apache-2.0
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import { t, type Text } from './i18n';

declare module 'vue-router' {
  interface RouteMeta {
    title?: Text;
    /** A page for making changes. */
    writes?: true;
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'overview', component: () => import('./pages/OverviewPage.vue'), meta: { title: 'nav.overview' } },
  {
    path: '/control-planes',
    name: 'control-planes',
    component: () => import('./pages/ControlPlanesPage.vue'),
    meta: { title: 'nav.controlPlanes' },
  },
  {
    path: '/control-planes/new',
    name: 'control-plane-new',
    component: () => import('./pages/ControlPlaneFormPage.vue'),
    meta: { title: 'controlPlanes.create', writes: true },
  },
  {
    path: '/control-planes/:cp',
    props: true,
    component: () => import('./shell/ControlPlaneFrame.vue'),
    children: [
      { path: '', name: 'control-plane', props: true, component: () => import('./pages/ControlPlanePage.vue') },
      {
        path: 'settings',
        name: 'control-plane-edit',
        props: true,
        component: () => import('./pages/ControlPlaneFormPage.vue'),
        meta: { title: 'nav.settings', writes: true },
      },
      {
        path: 'nodes',
        name: 'nodes',
        props: true,
        component: () => import('./pages/NodesPage.vue'),
        meta: { title: 'nav.nodes' },
      },
      {
        path: 'nodes/new',
        name: 'node-new',
        props: true,
        component: () => import('./pages/AddNodePage.vue'),
        meta: { title: 'nodes.add', writes: true },
      },
      {
        path: 'tester',
        name: 'tester',
        props: true,
        component: () => import('./pages/TesterPage.vue'),
        meta: { title: 'nav.tester' },
      },
      {
        path: 'import-export',
        name: 'transfer',
        props: true,
        component: () => import('./pages/TransferPage.vue'),
        meta: { title: 'nav.transfer' },
      },
      {
        path: 'history',
        name: 'history',
        props: (route) => ({ cp: route.params['cp'], type: route.query['type'], entity: route.query['entity'] }),
        component: () => import('./pages/HistoryPage.vue'),
        meta: { title: 'nav.history' },
      },
      {
        path: 'history/:version',
        name: 'history-version',
        props: true,
        component: () => import('./pages/HistoryVersionPage.vue'),
        meta: { title: 'nav.history' },
      },
      {
        path: 'plugins/new',
        name: 'plugin-catalog',
        props: true,
        component: () => import('./pages/PluginCatalogPage.vue'),
        meta: { title: 'plugins.catalog', writes: true },
      },
      {
        path: 'plugins/new/:plugin',
        name: 'plugin-new',
        props: (route) => ({ ...route.params, type: 'plugins' }),
        component: () => import('./pages/EntityFormPage.vue'),
        meta: { writes: true },
      },
      { path: ':type', name: 'entities', props: true, component: () => import('./pages/EntityListPage.vue') },
      {
        path: ':type/new',
        name: 'entity-new',
        props: true,
        component: () => import('./pages/EntityFormPage.vue'),
        meta: { writes: true },
      },
      { path: ':type/:id', name: 'entity', props: true, component: () => import('./pages/EntityPage.vue') },
      {
        path: ':type/:id/edit',
        name: 'entity-edit',
        props: true,
        component: () => import('./pages/EntityFormPage.vue'),
        meta: { writes: true },
      },
    ],
  },
  { path: '/set-up', name: 'set-up', component: () => import('./pages/SetUpPage.vue'), meta: { title: 'setUp.title' } },
  {
    path: '/account',
    name: 'account',
    component: () => import('./pages/AccountPage.vue'),
    meta: { title: 'nav.account' },
  },
  {
    path: '/access-tokens',
    name: 'tokens',
    component: () => import('./pages/TokensPage.vue'),
    meta: { title: 'nav.tokens' },
  },
  { path: '/users', name: 'users', component: () => import('./pages/UsersPage.vue'), meta: { title: 'nav.users' } },
  { path: '/audit', name: 'audit', component: () => import('./pages/AuditPage.vue'), meta: { title: 'nav.audit' } },
  {
    path: '/:path(.*)*',
    name: 'nothing',
    component: () => import('./pages/NothingPage.vue'),
    meta: { title: 'nothing.title' },
  },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

// Pages that know a better name say it themselves (PageHead).
router.afterEach((to, from) => {
  if (to.path === from.path && document.title) return;
  const title = to.meta.title ? `${t(to.meta.title)} · ` : '';
  document.title = `${title}${t('product')}`;
});
