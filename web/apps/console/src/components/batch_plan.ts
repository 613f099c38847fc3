// SPDX-License-Identifier: Apache-2.0
import { shallowRef } from 'vue';
import { YAMLParseError } from 'yaml';
import { toast } from '@ui/toasts';
import { adminOf } from '@/api/entities';
import { same } from '@/form/form_model';
import { t } from '@/i18n';
import { FileProblem, withoutNulls } from '@/model/state_file';
import { attempts, linesOf } from './attempt';
import type { Step } from './PlanList.vue';

export type Batch = Record<string, unknown>;

function say(error: unknown): string[] {
  if (error instanceof FileProblem) return [t('transfer.notAFile', { what: error.message })];
  if (error instanceof YAMLParseError) return [error.message];
  return linesOf(error, (path) => path.replace(/^upsert\./, '').replace(/\.?@entity$/, ''));
}

/** What a batch would do to a control plane, before it does. Failures become texts to be shown. */
export function batchPlan(cp: string) {
  const admin = adminOf(cp);
  const plan = shallowRef<Step[]>();
  const { problems, busy, attempt } = attempts(say);
  let batch: Batch = {};

  const make = (read: () => Batch | Promise<Batch>): Promise<boolean> =>
    attempt(async () => {
      plan.value = undefined;
      batch = await read();
      const { plan: steps } = await admin.post<{ plan: Step[] }>('/batch?dry_run=1', batch);
      plan.value = steps.filter(
        ({ before, after }) => !before || !after || !same(withoutNulls(before), withoutNulls(after)),
      );
    });

  const apply = (): Promise<boolean> =>
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
