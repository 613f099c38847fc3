// SPDX-License-Identifier: Apache-2.0
import { ref } from 'vue';
import { ApiError, messageOf } from '@/api/http';

/** What is wrong: a line for each field that the server names, or what it says of the whole. */
export function linesOf(error: unknown, nameOf = (path: string): string => path): string[] {
  if (!(error instanceof ApiError) || !error.fields.size) return [messageOf(error)];
  return [...error.fields].map(([path, message]) => `${nameOf(path)}: ${message}`);
}

/** Work, one piece at a time. What goes wrong with it becomes lines to be shown. */
export function attempts(say: (error: unknown) => string[] = linesOf) {
  const problems = ref<string[]>([]);
  const busy = ref(false);

  /** Whether it went well. */
  async function attempt(work: () => Promise<void>): Promise<boolean> {
    busy.value = true;
    problems.value = [];
    try {
      await work();
    } catch (error) {
      problems.value = say(error);
    } finally {
      busy.value = false;
    }
    return !problems.value.length;
  }

  return { problems, busy, attempt };
}
