// SPDX-License-Identifier: Apache-2.0
import { ref, shallowRef } from 'vue';
import { YAMLParseError } from 'yaml';
import { toast } from '@ui/toasts';
import { adminOf } from '@/api/entities';
import { ApiError, messageOf } from '@/api/http';
import { same } from '@/form/form_model';
import { t } from '@/i18n';
import { FileProblem, withoutNulls } from '@/model/state_file';
import type { Step } from './PlanList.vue';

export type Batch = Record<string, unknown>;

function say(error: unknown): string[] {
  if (error instanceof FileProblem) return [t('transfer.notAFile', { what: error.message })];
  if (error instanceof YAMLParseError) return [error.message];
  if (error instanceof ApiError && error.fields.size) {
    return [...error.fields].map(
      ([path, message]) => `${path.replace(/^upsert\./, '').replace(/\.?@entity$/, '')}: ${message}`,
    );
  }
  return [messageOf(error)];
}

/** What a batch would do to a control plane, before it does. Failures become texts to be shown. */
export function batchPlan(cp: string) {
  const admin = adminOf(cp);
  const plan = shallowRef<Step[]>();
  const problems = ref<string[]>([]);
  const busy = ref(false);
  let batch: Batch = {};

  async function attempt(work: () => Promise<void>): Promise<void> {
    busy.value = true;
    problems.value = [];
    try {
      await work();
    } catch (error) {
      problems.value = say(error);
    } finally {
      busy.value = false;
    }
  }

  const make = (read: () => Batch | Promise<Batch>): Promise<void> =>
    attempt(async () => {
      plan.value = undefined;
      batch = await read();
      const { plan: steps } = await admin.post<{ plan: Step[] }>('/batch?dry_run=1', batch);
      plan.value = steps.filter(
        ({ before, after }) => !before || !after || !same(withoutNulls(before), withoutNulls(after)),
      );
    });

  const apply = (): Promise<void> =>
    attempt(async () => {
      await admin.post('/batch', batch);
      toast(t('transfer.applied', { n: plan.value?.length ?? 0 }));
      forget();
    });

  function forget(): void {
    plan.value = undefined;
    problems.value = [];
  }

  return { plan, problems, busy, make, apply, forget };
}
