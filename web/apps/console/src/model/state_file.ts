// SPDX-License-Identifier: Apache-2.0
// State files in the dialect of the ecosystem: from a whole control plane to one, and from one to a batch.
import type { Admin, Entity } from '@/api/entities';
import { part } from '@/api/http';

type Json = Record<string, unknown>;

interface Child {
  key: string;
  /** The field of the child that names its parent. */
  field: string;
}

const plugins = (field: string): Child => ({ key: 'plugins', field });

/** What stands inside of what, by the names that files have for it. */
const CHILDREN: Record<string, Child[]> = {
  services: [{ key: 'routes', field: 'service' }, plugins('service')],
  routes: [plugins('route')],
  consumers: [
    ...[
      'keyauth_credentials',
      'basicauth_credentials',
      'jwt_secrets',
      'hmacauth_credentials',
      'oauth2_credentials',
    ].map((key) => ({
      key,
      field: 'consumer',
    })),
    { key: 'mtls_auth_credentials', field: 'consumer' },
    { key: 'acls', field: 'consumer' },
    plugins('consumer'),
  ],
  consumer_groups: [plugins('consumer_group')],
  upstreams: [{ key: 'targets', field: 'upstream' }],
  certificates: [{ key: 'snis', field: 'certificate' }],
  key_sets: [{ key: 'keys', field: 'set' }],
};

/** Types in the order of files, with where the Admin API lists them. */
const LISTS: [string, string][] = [
  ['services', '/services'],
  ['routes', '/routes'],
  ['upstreams', '/upstreams'],
  ['consumers', '/consumers'],
  ['consumer_groups', '/consumer_groups'],
  ['plugins', '/plugins'],
  ['certificates', '/certificates'],
  ['snis', '/snis'],
  ['ca_certificates', '/ca_certificates'],
  ['vaults', '/vaults'],
  ['key_sets', '/key-sets'],
  ['keys', '/keys'],
  ['keyauth_credentials', '/key-auths'],
  ['basicauth_credentials', '/basic-auths'],
  ['jwt_secrets', '/jwts'],
  ['hmacauth_credentials', '/hmac-auths'],
  ['oauth2_credentials', '/oauth2'],
  ['mtls_auth_credentials', '/mtls-auths'],
  ['acls', '/acls'],
];
const TYPES = new Set([...LISTS.map(([type]) => type), 'targets', 'partials', 'consumer_group_consumers']);
const NAMES = ['name', 'username'];

export function withoutNulls(value: Json): Json {
  const left: Json = {};
  for (const [name, entry] of Object.entries(value)) {
    if (entry === null || name === 'created_at' || name === 'updated_at') continue;
    const object = typeof entry === 'object' && !Array.isArray(entry);
    left[name] = object ? withoutNulls(entry as Json) : entry;
  }
  return left;
}

function nameOf(entity: Json, type: string): string | undefined {
  if (type === 'plugins') return undefined;
  if (type === 'vaults') return String(entity['prefix']); // `name` is the backend
  const name = NAMES.map((field) => entity[field]).find((value) => typeof value === 'string' && value !== '');
  return typeof name === 'string' ? name : undefined;
}

export type Rows = Map<string, Entity[]>;

/** Everything that a control plane holds, and who is in which group. */
export async function readAll(
  admin: Admin,
  progress: (done: number) => void = () => undefined,
): Promise<{ rows: Rows; groups: Map<string, string[]> }> {
  const rows: Rows = new Map();
  for (const [index, [type, path]] of LISTS.entries()) {
    rows.set(type, await admin.everything(path));
    progress((index + 1) / (LISTS.length + 2));
  }
  const targets: Entity[] = [];
  for (const upstream of rows.get('upstreams') ?? [])
    targets.push(...(await admin.everything(`/upstreams/${part(upstream.id)}/targets`)));
  rows.set('targets', targets);
  const groups = new Map<string, string[]>();
  for (const group of rows.get('consumer_groups') ?? []) {
    const { data } = await admin.get<{ consumers?: Entity[] }>(`/consumer_groups/${part(group.id)}`);
    for (const member of data.consumers ?? [])
      groups.set(member.id, [...(groups.get(member.id) ?? []), String(group['name'])]);
  }
  progress(1);
  return { rows, groups };
}

/** A state file of what was read: nested, by names, without ids where a name does. */
export function toStateFile(rows: Rows, groups: Map<string, string[]>): Json {
  const names = new Map<string, string>();
  for (const [type, list] of rows) for (const entity of list) names.set(entity.id, nameOf(entity, type) ?? entity.id);
  const file: Json = { _format_version: '3.0', _transform: false };
  const made = new Map<string, Json>();

  function shown(type: string, entity: Entity): Json {
    const { id, ...rest } = withoutNulls(entity) as Json & { id: string };
    for (const [name, value] of Object.entries(rest)) {
      const target = (value as { id?: unknown } | null)?.id;
      if (typeof target === 'string' && Object.keys(value as Json).length === 1)
        rest[name] = names.get(target) ?? target;
    }
    if (type === 'consumers' && groups.has(id)) rest['groups'] = groups.get(id)!.map((name) => ({ name }));
    return nameOf(entity, type) || type === 'plugins' || type.endsWith('credentials') ? rest : { id, ...rest };
  }

  const owners = Object.values(CHILDREN).flat();
  const order = [
    'services',
    'routes',
    'consumer_groups',
    'consumers',
    'upstreams',
    'certificates',
    'key_sets',
    ...rows.keys(),
  ];
  for (const type of new Set(order)) {
    for (const entity of rows.get(type) ?? []) {
      const entry = shown(type, entity);
      made.set(entity.id, entry);
      const links = owners.filter(({ key, field }) => key === type && entity[field] != null);
      const link = links.length === 1 ? links[0] : undefined;
      const parent = link ? made.get((entity[link.field] as { id: string }).id) : undefined;
      if (parent && link) delete entry[link.field];
      const home = parent ?? file;
      home[type] = [...((home[type] as Json[] | undefined) ?? []), entry];
    }
  }
  return file;
}

export interface Flat {
  upsert: Record<string, Json[]>;
  transform: boolean;
  count: number;
}

/** What cannot be taken, with the place in the file. */
export class FileProblem extends Error {}

/** A state file as a flat batch: what is nested refers to its parent by name, or by an id that is made up for it. */
export function toBatch(file: unknown): Flat {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new FileProblem('not a state file');
  const flat: Flat = { upsert: {}, transform: (file as Json)['_transform'] !== false, count: 0 };

  function add(type: string, given: unknown, parent: Json): void {
    if (type === 'snis' && typeof given === 'string') return add(type, { name: given }, parent);
    if (typeof given !== 'object' || given === null) throw new FileProblem(`${type}: ${JSON.stringify(given)}`);
    const entity: Json = { ...(given as Json), ...parent };
    const children = CHILDREN[type] ?? [];
    const own = Object.fromEntries(Object.entries(entity).filter(([name]) => !isNested(type, name)));
    const nested = children.some(({ key }) => Array.isArray(entity[key])) || Array.isArray(entity['groups']);
    if (nested && !nameOf(own, type) && own['id'] === undefined) own['id'] = crypto.randomUUID();
    (flat.upsert[type] ??= []).push(own);
    flat.count++;
    const reference = nameOf(own, type) ?? own['id'];
    for (const { key, field } of children) {
      for (const child of listOf(entity[key])) add(key, child, { [field]: reference });
    }
    if (type === 'consumers') {
      for (const group of listOf(entity['groups'])) {
        add('consumer_group_consumers', { consumer: reference, consumer_group: (group as Json)['name'] ?? group }, {});
      }
    }
  }

  for (const [type, list] of Object.entries(file)) {
    if (type.startsWith('_')) continue;
    if (!TYPES.has(type) || !Array.isArray(list)) throw new FileProblem(type);
    for (const entity of list) add(type, entity, {});
  }
  return flat;
}

function isNested(type: string, name: string): boolean {
  return (CHILDREN[type] ?? []).some(({ key }) => key === name) || (type === 'consumers' && name === 'groups');
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
