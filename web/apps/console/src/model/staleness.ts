// SPDX-License-Identifier: Apache-2.0
// What was read while the server answered is still worth showing when it does not, if one is told how old it is.
import { messageOf, Unreachable } from '@/api/http';
import { t } from '@/i18n';
import { clock } from './time';

/** What is wrong, on a page that shows what it read at `seen` (seconds since 1970; null: nothing yet). */
export function troubleText(error: unknown, seen: number | null): string {
  if (!(error instanceof Unreachable) || seen === null) return messageOf(error);
  return t('common.stale', { time: clock(seen) });
}
