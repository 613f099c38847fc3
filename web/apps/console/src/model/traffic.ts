// SPDX-License-Identifier: Apache-2.0
import type { Traffic } from '@/api/traffic';
import { t } from '@/i18n';

type Values = (number | null)[];

/** The last minute that nodes have told all about. */
export interface Lately {
  perSecond: number;
  /** Parts of the requests, from 0 to 1. */
  clientErrors: number;
  serverErrors: number;
  p99: number;
}

const MINUTE_S = 60;

const sum = (values: Values): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);

export function perSecond(values: Values, interval: number): Values {
  return values.map((value) => (value === null ? null : value / interval));
}

/** Null when no node has told anything for a minute. */
export function lately(traffic: Traffic): Lately | null {
  const spans = Math.max(1, Math.round(MINUTE_S / traffic.interval));
  const told = traffic.requests.slice(-spans).filter((value) => value !== null).length;
  if (!told) return null;
  const requests = sum(traffic.requests.slice(-spans));
  const part = (values: Values): number => (requests > 0 ? Math.min(1, sum(values.slice(-spans)) / requests) : 0);
  return {
    perSecond: requests / (told * traffic.interval),
    clientErrors: part(traffic.client_errors),
    serverErrors: part(traffic.server_errors),
    p99: Math.max(0, ...traffic.p99_ms.slice(-spans).map((value) => value ?? 0)),
  };
}

/** Of several control planes. */
export function together(all: (Lately | null)[]): Lately | null {
  const known = all.filter((one) => one !== null);
  if (!known.length) return null;
  const total = known.reduce((rate, one) => rate + one.perSecond, 0);
  const share = (value: (one: Lately) => number): number =>
    total > 0 ? known.reduce((part, one) => part + value(one) * one.perSecond, 0) / total : 0;
  return {
    perSecond: total,
    clientErrors: share((one) => one.clientErrors),
    serverErrors: share((one) => one.serverErrors),
    p99: Math.max(...known.map((one) => one.p99)),
  };
}

/** "0", "0.3", "27", "1,240" */
export function rateText(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** "0 %", "0.04 %", "12 %" */
export function partText(value: number): string {
  const percent = value * 100;
  return `${percent.toLocaleString('en', { maximumSignificantDigits: percent < 1 ? 1 : 2 })} %`;
}

export function millisText(value: number): string {
  return value >= 1000 ? `${rateText(value / 1000)} s` : `${rateText(value)} ms`;
}

/** All of it in one sentence, for who cannot see a line. */
export function latelyText(now: Lately | null): string {
  if (!now) return t('traffic.unknown');
  return t('traffic.sentence', {
    rate: rateText(now.perSecond),
    clientErrors: partText(now.clientErrors),
    serverErrors: partText(now.serverErrors),
    p99: millisText(now.p99),
  });
}
