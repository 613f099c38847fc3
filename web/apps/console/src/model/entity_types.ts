// SPDX-License-Identifier: Apache-2.0
// What the console knows of each type of entity beyond its published description: which columns a list has, which
// fields come first, what belongs to what. A field that is not named here is shown all the same.
import type { Entity } from '@/api/entities';
import { part } from '@/api/http';
import { shortened } from './secrets';

export type TypeKey =
  | 'services'
  | 'routes'
  | 'consumers'
  | 'consumer_groups'
  | 'plugins'
  | 'upstreams'
  | 'targets'
  | 'certificates'
  | 'snis'
  | 'ca_certificates'
  | 'vaults'
  | 'keys'
  | 'key_sets'
  | CredentialKey;

export type CredentialKey =
  | 'keyauth_credentials'
  | 'basicauth_credentials'
  | 'jwt_secrets'
  | 'hmacauth_credentials'
  | 'oauth2_credentials'
  | 'mtls_auth_credentials'
  | 'acls';

export type ColumnKind =
  'name' | 'text' | 'mono' | 'list' | 'tags' | 'switch' | 'time' | 'reference' | 'address' | 'secret' | 'scope';

export interface Column {
  field: string;
  kind: ColumnKind;
}

/** A list on an entity's page: entities of `type` below `path`, made with `field` set to the entity. */
export interface Related {
  type: TypeKey;
  path: string;
  field: string;
}

export interface EntityType {
  key: TypeKey;
  /** Of the list, and of the schema where they differ. */
  path: string;
  /** What asks for credentials of this type. */
  plugin?: string;
  /** Only below an entity that `parent` names. */
  parent?: { field: string; type: TypeKey; segment?: string };
  names: string[];
  columns: Column[];
  /** Fields that a form shows first, in this order. */
  main: string[];
  related: Related[];
  /** In the side bar. */
  listed: boolean;
}

const tags: Column = { field: 'tags', kind: 'tags' };
const related = (type: TypeKey, path: string, field: string): Related => ({ type, path, field });
const plugins = (field: string): Related => related('plugins', 'plugins', field);

function credential(key: CredentialKey, plugin: string, path: string, columns: Column[], main: string[]): EntityType {
  return {
    key,
    plugin,
    path,
    parent: { field: 'consumer', type: 'consumers' },
    names: columns.filter(({ kind }) => kind !== 'tags').map(({ field }) => field),
    columns,
    main,
    related: [],
    listed: false,
  };
}

const ALL: EntityType[] = [
  {
    key: 'services',
    path: '/services',
    names: ['name'],
    columns: [
      { field: 'name', kind: 'name' },
      { field: 'host', kind: 'address' },
      { field: 'enabled', kind: 'switch' },
      tags,
    ],
    main: ['name', 'protocol', 'host', 'port', 'path', 'enabled', 'tags'],
    related: [related('routes', 'routes', 'service'), plugins('service')],
    listed: true,
  },
  {
    key: 'routes',
    path: '/routes',
    names: ['name'],
    columns: [
      { field: 'name', kind: 'name' },
      { field: 'methods', kind: 'list' },
      { field: 'hosts', kind: 'list' },
      { field: 'paths', kind: 'list' },
      { field: 'service', kind: 'reference' },
      tags,
    ],
    main: [
      'name',
      'service',
      'expression',
      'priority',
      'protocols',
      'methods',
      'hosts',
      'paths',
      'headers',
      'strip_path',
      'tags',
    ],
    related: [plugins('route')],
    listed: true,
  },
  {
    key: 'consumers',
    path: '/consumers',
    names: ['username', 'custom_id'],
    columns: [
      { field: 'username', kind: 'name' },
      { field: 'custom_id', kind: 'mono' },
      tags,
      { field: 'created_at', kind: 'time' },
    ],
    main: ['username', 'custom_id', 'tags'],
    related: [
      related('keyauth_credentials', 'key-auth', 'consumer'),
      related('basicauth_credentials', 'basic-auth', 'consumer'),
      related('jwt_secrets', 'jwt', 'consumer'),
      related('hmacauth_credentials', 'hmac-auth', 'consumer'),
      related('oauth2_credentials', 'oauth2', 'consumer'),
      related('mtls_auth_credentials', 'mtls-auth', 'consumer'),
      related('acls', 'acls', 'consumer'),
      plugins('consumer'),
    ],
    listed: true,
  },
  {
    key: 'consumer_groups',
    path: '/consumer_groups',
    names: ['name'],
    columns: [{ field: 'name', kind: 'name' }, tags, { field: 'created_at', kind: 'time' }],
    main: ['name', 'tags'],
    related: [plugins('consumer_group')],
    listed: true,
  },
  {
    key: 'plugins',
    path: '/plugins',
    names: ['instance_name', 'name'],
    columns: [
      { field: 'name', kind: 'name' },
      { field: 'scope', kind: 'scope' },
      { field: 'enabled', kind: 'switch' },
      tags,
    ],
    main: ['enabled'],
    related: [],
    listed: true,
  },
  {
    key: 'upstreams',
    path: '/upstreams',
    names: ['name'],
    columns: [
      { field: 'name', kind: 'name' },
      { field: 'algorithm', kind: 'text' },
      { field: 'slots', kind: 'mono' },
      tags,
    ],
    main: ['name', 'algorithm', 'hash_on', 'host_header', 'tags'],
    related: [],
    listed: true,
  },
  {
    key: 'targets',
    path: '/targets',
    parent: { field: 'upstream', type: 'upstreams', segment: 'targets' },
    names: ['target'],
    columns: [{ field: 'target', kind: 'mono' }, { field: 'weight', kind: 'mono' }, tags],
    main: ['target', 'weight', 'tags'],
    related: [],
    listed: false,
  },
  {
    key: 'certificates',
    path: '/certificates',
    names: [],
    columns: [{ field: 'id', kind: 'name' }, tags, { field: 'created_at', kind: 'time' }],
    main: ['cert', 'key', 'tags'],
    related: [related('snis', 'snis', 'certificate')],
    listed: true,
  },
  {
    key: 'snis',
    path: '/snis',
    names: ['name'],
    columns: [{ field: 'name', kind: 'name' }, { field: 'certificate', kind: 'reference' }, tags],
    main: ['name', 'certificate', 'tags'],
    related: [],
    listed: true,
  },
  {
    key: 'ca_certificates',
    path: '/ca_certificates',
    names: [],
    columns: [{ field: 'id', kind: 'name' }, { field: 'cert_digest', kind: 'mono' }, tags],
    main: ['cert', 'tags'],
    related: [],
    listed: true,
  },
  {
    key: 'vaults',
    path: '/vaults',
    names: ['prefix'],
    columns: [
      { field: 'prefix', kind: 'name' },
      { field: 'name', kind: 'text' },
      { field: 'description', kind: 'text' },
      tags,
    ],
    main: ['name', 'prefix', 'description', 'tags'],
    related: [],
    listed: true,
  },
  {
    key: 'keys',
    path: '/keys',
    names: ['name', 'kid'],
    columns: [
      { field: 'name', kind: 'name' },
      { field: 'kid', kind: 'mono' },
      { field: 'set', kind: 'reference' },
      tags,
    ],
    main: ['name', 'kid', 'set', 'jwk', 'pem', 'tags'],
    related: [],
    listed: true,
  },
  {
    key: 'key_sets',
    path: '/key-sets',
    names: ['name'],
    columns: [{ field: 'name', kind: 'name' }, tags, { field: 'created_at', kind: 'time' }],
    main: ['name', 'tags'],
    related: [related('keys', 'keys', 'set')],
    listed: true,
  },
  credential(
    'keyauth_credentials',
    'key-auth',
    '/key-auths',
    [{ field: 'key', kind: 'secret' }, { field: 'ttl', kind: 'mono' }, tags],
    ['key', 'ttl', 'tags'],
  ),
  credential(
    'basicauth_credentials',
    'basic-auth',
    '/basic-auths',
    [{ field: 'username', kind: 'mono' }, tags],
    ['username', 'password', 'tags'],
  ),
  credential(
    'jwt_secrets',
    'jwt',
    '/jwts',
    [{ field: 'key', kind: 'mono' }, { field: 'algorithm', kind: 'text' }, tags],
    ['key', 'algorithm', 'secret', 'rsa_public_key', 'tags'],
  ),
  credential(
    'hmacauth_credentials',
    'hmac-auth',
    '/hmac-auths',
    [{ field: 'username', kind: 'mono' }, tags],
    ['username', 'secret', 'tags'],
  ),
  credential(
    'oauth2_credentials',
    'oauth2',
    '/oauth2',
    [{ field: 'name', kind: 'text' }, { field: 'client_id', kind: 'mono' }, tags],
    ['name', 'client_id', 'client_secret', 'redirect_uris', 'tags'],
  ),
  credential(
    'mtls_auth_credentials',
    'mtls-auth',
    '/mtls-auths',
    [{ field: 'subject_name', kind: 'mono' }, tags],
    ['subject_name', 'ca_certificate', 'tags'],
  ),
  credential('acls', 'acl', '/acls', [{ field: 'group', kind: 'mono' }, tags], ['group', 'tags']),
];

const byKey = new Map<string, EntityType>(ALL.map((type) => [type.key, type]));

export const LISTED = ALL.filter((type) => type.listed);

/** The credentials that a plugin asks consumers for. */
export function credentialsOf(plugin: string): EntityType | undefined {
  return ALL.find((type) => type.plugin === plugin);
}

export function entityType(key: string): EntityType | undefined {
  return byKey.get(key);
}

/** What people call an entity: its name, or the beginning of its id. */
export function nameOf(type: EntityType, entity: Entity): string {
  for (const field of type.names) {
    const value = entity[field];
    const secret = type.columns.some((column) => column.field === field && column.kind === 'secret');
    if (typeof value === 'string' && value !== '') return secret ? shortened(value) : value;
  }
  return String(entity.id).slice(0, 8);
}

/** Where entities of a type are listed and made; `parent` is the id of the entity that they belong to. */
export function collectionOf(type: EntityType, parent?: string): string {
  if (type.parent?.segment && parent) return `/${type.parent.type}/${part(parent)}/${type.parent.segment}`;
  return type.path;
}

/** Texts by which an entity is found. */
export function searchTexts(entity: Entity): string[] {
  const texts: string[] = [];
  for (const field of [
    'id',
    'name',
    'username',
    'custom_id',
    'instance_name',
    'prefix',
    'kid',
    'host',
    'target',
    'expression',
  ]) {
    if (typeof entity[field] === 'string') texts.push(entity[field]);
  }
  for (const field of ['tags', 'paths', 'hosts']) {
    if (Array.isArray(entity[field])) texts.push(...entity[field].map(String));
  }
  return texts;
}

/** Whether all words of `text` occur in what an entity is found by. */
export function matcherOf(text: string): (entity: Entity) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (entity) => {
    const all = searchTexts(entity).join('\n').toLowerCase();
    return words.every((word) => all.includes(word));
  };
}
