// SPDX-License-Identifier: Apache-2.0
import { reactive } from 'vue';

export interface Toast {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

const SECONDS = 6;
let last = 0;

export const toasts = reactive<Toast[]>([]);

/** Says something that needs no answer; what is bad stays until it is closed. */
export function toast(text: string, kind: Toast['kind'] = 'good'): void {
  const id = ++last;
  toasts.push({ id, kind, text });
  if (kind === 'good') setTimeout(() => closeToast(id), SECONDS * 1000);
}

export function closeToast(id: number): void {
  const index = toasts.findIndex((entry) => entry.id === id);
  if (index >= 0) toasts.splice(index, 1);
}
