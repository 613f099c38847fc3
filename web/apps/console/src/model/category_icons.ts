// SPDX-License-Identifier: Apache-2.0
import { Bot, ChartLine, CodeXml, KeyRound, Puzzle, ShieldCheck, Shuffle, Waypoints } from '@lucide/vue';
import type { Component } from 'vue';
import type { Category } from './plugin_catalog';

export const CATEGORY_ICONS: Record<Category, Component> = {
  authentication: KeyRound,
  security: ShieldCheck,
  traffic: Waypoints,
  transformation: Shuffle,
  observability: ChartLine,
  ai: Bot,
  serverless: CodeXml,
  other: Puzzle,
};
