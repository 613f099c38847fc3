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

export interface Available {
  name: string;
  /** Larger ones run first; unknown where the server says the order alone. */
  priority: number | null;
}

/** Plugins of this control plane, in the order in which they run. */
export async function availablePlugins(admin: Admin): Promise<Available[]> {
  const node = await admin.get<{ plugins?: { available_on_server?: Record<string, unknown> } }>('/').catch(() => null);
  const listed = node?.data.plugins?.available_on_server;
  if (!listed) {
    const { data } = await admin.get<{ enabled_plugins: string[] }>('/plugins/enabled');
    return data.enabled_plugins.map((name) => ({ name, priority: null }));
  }
  const found = Object.entries(listed).map(([name, entry]) => {
    const priority = (entry as { priority?: unknown } | null)?.priority;
    return { name, priority: typeof priority === 'number' ? priority : null };
  });
  // Larger priority first, equal ones by name descending.
  return found.sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0) || (a.name < b.name ? 1 : -1));
}
