// SPDX-License-Identifier: Apache-2.0
import { onBeforeUnmount } from 'vue';

/** Runs `work` now and again after each pause, while the page is shown and visible. Failures are its own business. */
export function poll(work: (signal: AbortSignal) => Promise<unknown>, pauseMs: number): void {
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function turn(): Promise<void> {
    if (end.signal.aborted) return;
    if (!document.hidden) await work(end.signal).catch(() => undefined);
    if (!end.signal.aborted) timer = setTimeout(() => void turn(), pauseMs);
  }

  void turn();
  onBeforeUnmount(() => {
    end.abort();
    clearTimeout(timer);
  });
}
