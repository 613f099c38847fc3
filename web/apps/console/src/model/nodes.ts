// SPDX-License-Identifier: Apache-2.0
import type { DataPlane } from '@/api/control_planes';

/** A node that has said nothing for so long is taken to be away: it speaks every 30 seconds. */
const SILENT_S = 65;

export type NodeState = 'inSync' | 'outOfSync' | 'away' | 'incompatible';

export function isAway(node: DataPlane, now: number): boolean {
  return node.connected === false || now - node.last_ping > SILENT_S;
}

export function stateOf(node: DataPlane, expected: string, now = Date.now() / 1000): NodeState {
  if (isAway(node, now)) return 'away';
  if (node.compatibility_status?.state === 'COMPATIBILITY_STATE_INCOMPATIBLE') return 'incompatible';
  return (node.in_sync ?? node.config_hash === expected) ? 'inSync' : 'outOfSync';
}

export const STATE_BADGES: Record<NodeState, string> = {
  inSync: 'badge-good',
  outOfSync: 'badge-warn',
  incompatible: 'badge-bad',
  away: '',
};
