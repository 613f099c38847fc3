// SPDX-License-Identifier: Apache-2.0
import { inject, type InjectionKey, type Ref } from 'vue';
import type { Admin } from '@/api/entities';
import { maybe } from '@/i18n';
import type { Field } from './field_schema';

/** What fields of one form share. */
export interface FormContext {
  admin: Admin;
  /** Key of the type of entity. */
  type: string;
  /** Messages of the server by the path of the field. */
  errors: Ref<ReadonlyMap<string, string>>;
  /** Paths that must be given because of what other fields say. */
  required: Ref<ReadonlySet<string>>;
  /** Whether the server has judged what the form holds now. */
  judged: Ref<boolean>;
  /** The person has left the field. */
  touch: (path: string) => void;
  /** Whether the entity exists already. */
  editing: boolean;
}

export const FORM: InjectionKey<FormContext> = Symbol('form');

export function useForm(): FormContext {
  const context = inject(FORM);
  if (!context) throw new Error('a field outside of a form');
  return context;
}

const ACRONYMS: Record<string, string> = {
  id: 'ID',
  ip: 'IP',
  url: 'URL',
  uri: 'URI',
  tls: 'TLS',
  ssl: 'SSL',
  sni: 'SNI',
  snis: 'SNIs',
  http: 'HTTP',
  https: 'HTTPS',
  tcp: 'TCP',
  jwt: 'JWT',
  jwk: 'JWK',
  pem: 'PEM',
  ttl: 'TTL',
  ca: 'CA',
  kid: 'Key ID',
  rsa: 'RSA',
  acl: 'ACL',
  dns: 'DNS',
};

/** `connect_timeout` as people read it, unless the locale file says it better. */
export function labelOf(name: string): string {
  const text = maybe(`fields.${name}`);
  if (text) return text;
  const words = name.split(/[_.-]/).map((word) => ACRONYMS[word] ?? word);
  const joined = words.join(' ');
  return joined.charAt(0).toUpperCase() + joined.slice(1);
}

/** `config.redis.host` as its form calls it: "Redis › Host". */
export function labelOfPath(path: string): string {
  const steps = path.replace(/^config\./, '').split('.');
  return steps.map((step) => (/^\d+$/.test(step) ? String(Number(step) + 1) : labelOf(step))).join(' › ');
}

/** A message of the server, with labels for the paths of fields that it quotes. */
export function withLabels(text: string): string {
  const quoted = text.includes('these fields') ? /'([\w.]+)'/g : /'(config\.[\w.]+)'/g;
  return text.replace(quoted, (_, path: string) => `“${labelOfPath(path)}”`);
}

/** Helps nobody who sees the label: "Its port." */
const SAYS_NOTHING = /^Its (\w+ )?(name|port)( here)?\.$/;

/** What explains a field: our own words where we have better ones than the server's description. */
export function helpOf(field: Field, path: string, type: string): string {
  const own = maybe(`help.${type}.${path}`);
  return own ?? (SAYS_NOTHING.test(field.description) ? '' : field.description);
}

export const idOf = (path: string): string => `field-${path.replaceAll('.', '-')}`;

/** Ids of what explains a field, for aria-describedby. */
export function describedBy(path: string, help: string, error: string | undefined): string | undefined {
  const ids = [error ? `${idOf(path)}-error` : '', help ? `${idOf(path)}-help` : ''].filter(Boolean);
  return ids.length ? ids.join(' ') : undefined;
}
