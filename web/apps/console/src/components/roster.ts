// SPDX-License-Identifier: Apache-2.0
import { ref, shallowRef, type Ref } from 'vue';
import { toast } from '@ui/toasts';
import { messageOf } from '@/api/http';

export interface Roster<T> {
  /** Nothing until they have been read. */
  items: Ref<T[] | undefined>;
  problem: Ref<string>;
  load: () => Promise<void>;
  /** Work that changes the list. */
  change: (work: () => Promise<unknown>) => Promise<void>;
}

/** A list that is read as a whole, now and after each change of it. */
export function roster<T>(read: () => Promise<T[]>): Roster<T> {
  const items = shallowRef<T[]>();
  const problem = ref('');

  async function load(): Promise<void> {
    problem.value = '';
    try {
      items.value = await read();
    } catch (error) {
      problem.value = messageOf(error);
    }
  }

  async function change(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      await load();
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
  }

  void load();
  return { items, problem, load, change };
}
