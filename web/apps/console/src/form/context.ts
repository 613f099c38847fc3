// SPDX-License-Identifier: Apache-2.0
import { inject, type InjectionKey, type Ref } from 'vue';
import type { Admin } from '@/api/entities';
import { maybe } from '@/i18n';
import type { Field } from './field_schema';

/** What fields of one form share. */
export interface FormContext {
  admin: Admin;
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

export const idOf = (path: string): string => `field-${path.replaceAll('.', '-')}`;

/** Ids of what explains a field, for aria-describedby. */
export function describedBy(field: Field, path: string, error: string | undefined): string | undefined {
  const ids = [error ? `${idOf(path)}-error` : '', field.description ? `${idOf(path)}-help` : ''].filter(Boolean);
  return ids.length ? ids.join(' ') : undefined;
}
