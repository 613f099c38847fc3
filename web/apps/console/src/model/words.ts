// SPDX-License-Identifier: Apache-2.0
// How types of entities are called and drawn.
import {
  BadgeCheck,
  Braces,
  Database,
  FileKey,
  Globe,
  Key,
  KeyRound,
  KeySquare,
  Layers,
  Lock,
  Network,
  Puzzle,
  Route,
  Scale,
  ScrollText,
  Server,
  ShieldCheck,
  Tag,
  Target,
  User,
  Users,
  Vault,
} from '@lucide/vue';
import type { Component } from 'vue';
import { maybe } from '@/i18n';

const ICONS: Record<string, Component> = {
  services: Server,
  routes: Route,
  consumers: User,
  consumer_groups: Users,
  plugins: Puzzle,
  upstreams: Scale,
  targets: Target,
  certificates: BadgeCheck,
  snis: Globe,
  ca_certificates: ShieldCheck,
  vaults: Vault,
  keys: Key,
  key_sets: KeySquare,
  keyauth_credentials: KeyRound,
  basicauth_credentials: Lock,
  jwt_secrets: Braces,
  hmacauth_credentials: ScrollText,
  oauth2_credentials: FileKey,
  mtls_auth_credentials: BadgeCheck,
  acls: Tag,
  partials: Layers,
  control_planes: Network,
};

export const iconOf = (type: string): Component => ICONS[type] ?? Database;

const word = (type: string, form: string): string => maybe(`types.${type}.${form}`) ?? type;

/** "Services" */
export const titleOf = (type: string): string => word(type, 'many');
/** "service" */
export const singularOf = (type: string): string => word(type, 'one');
/** "an API key", of types that have it */
export const articledOf = (type: string): string => maybe(`types.${type}.a`) ?? singularOf(type);
/** What it is good for, in a sentence or two. */
export const teachingOf = (type: string): string => word(type, 'teach');
