// SPDX-License-Identifier: Apache-2.0

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** Seconds since 1970 of what the APIs call a time: a number of seconds, or a text. */
export function seconds(time: unknown): number | null {
  if (typeof time === 'number') return time > 1e11 ? time / 1000 : time;
  const parsed = typeof time === 'string' ? Date.parse(time) : NaN;
  return Number.isNaN(parsed) ? null : parsed / 1000;
}

/** "3 minutes ago" */
export function ago(time: number, now = Date.now() / 1000): string {
  const difference = Math.round(time - now);
  for (const [unit, length] of STEPS) {
    if (Math.abs(difference) >= length) return relative.format(Math.trunc(difference / length), unit);
  }
  return relative.format(0, 'second');
}

/** "33 seconds": how long it has been since. */
export function lasted(since: number, now = Date.now() / 1000): string {
  const difference = Math.max(0, Math.round(now - since));
  const [unit, length] = STEPS.find((step) => difference >= step[1]) ?? (['second', 1] as const);
  const format = new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.trunc(difference / length));
}

/** "12:03" */
export function clock(time: number): string {
  return new Intl.DateTimeFormat('en', { timeStyle: 'short', hour12: false }).format(new Date(time * 1000));
}

export function exact(time: number): string {
  return absolute.format(new Date(time * 1000));
}
