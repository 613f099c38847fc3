// SPDX-License-Identifier: Apache-2.0
// What plugins are for. Which ones there are, and their order, the server says.
import type { Admin } from '@/api/entities';

export const CATEGORIES = [
  'authentication',
  'security',
  'traffic',
  'transformation',
  'observability',
  'ai',
  'serverless',
  'other',
] as const;
export type Category = (typeof CATEGORIES)[number];

const PATTERNS: [Category, RegExp][] = [
  ['authentication', /auth|jwt|openid|oauth|ldap|saml|session|header-cert|introspection|upstream-oauth|vault-auth/],
  ['ai', /^ai-/],
  ['security', /acl|bot|cors|ip-restriction|injection|threat|opa|tls-|mtls-|jwt-signer|acme|csp|canary-token/],
  [
    'traffic',
    /rate-limiting|size-limiting|proxy-cache|canary|mocking|termination|redirect|route-by|validator|throttl|forward-proxy|websocket|upstream-timeout/,
  ],
  ['transformation', /transformer|correlation-id|grpc|graphql|jq|exit|degraphql|soap|xml|kafka|confluent|solace/],
  ['observability', /log|prometheus|opentelemetry|zipkin|statsd|datadog|metering|app-dynamics/],
  ['serverless', /function|lambda|openwhisk|azure/],
];

export function categoryOf(name: string): Category {
  return PATTERNS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
}

/** Plugins of this control plane, in the order in which they run. */
export async function availablePlugins(admin: Admin): Promise<string[]> {
  return (await admin.get<{ enabled_plugins: string[] }>('/plugins/enabled')).data.enabled_plugins;
}
