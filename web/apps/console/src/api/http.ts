// SPDX-License-Identifier: Apache-2.0
import { t } from '@/i18n';
import { flattenFields, sentence } from './errors';

/** What the server refused, with what it says about single fields by their paths (`config.queue.max_retry_time`). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: ReadonlyMap<string, string> = new Map(),
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super(t('common.unreachable'));
    this.name = 'Unreachable';
  }
}

export interface Reply<T> {
  data: T;
  etag: string | null;
}

export interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  ifMatch?: string | null | undefined;
  signal?: AbortSignal | undefined;
}

function address(path: string, query: Options['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '');
  if (!pairs.length) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

async function content(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function refusal(status: number, body: unknown): ApiError {
  if (typeof body !== 'object' || body === null) return new ApiError(status, String(body ?? '').trim() || `${status}`);
  const { message, title, detail, fields, invalid_parameters } = body as Record<string, unknown>;
  const text = [message, detail, title].find((part) => typeof part === 'string' && part !== '');
  return new ApiError(status, String(text ?? status), flattenFields(fields, invalid_parameters));
}

let token = '';

/** The access token that calls carry from now on; empty: none. It is kept in memory and nowhere else. */
export function useToken(given: string): void {
  token = given;
}

let csrfToken = '';

/** What calls that change something carry beside the session's cookie; no page of somebody else's can know it. */
export function useCsrfToken(given: string): void {
  csrfToken = given;
}

let refused = (): void => undefined;

/** Called when the server does not know any more who we are. */
export function onRefused(told: () => void): void {
  refused = told;
}

/** A call whose answer is read by the caller. Throws Unreachable when there is none. */
export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  else if (csrfToken && (options.method ?? 'GET') !== 'GET') headers.set('X-CSRF-Token', csrfToken);
  const response = await fetch(path, { ...options, headers, credentials: 'same-origin' }).catch((error: unknown) => {
    throw error instanceof TypeError ? new Unreachable() : error;
  });
  if (response.status === 401 && path !== '/v3/session') refused();
  return response;
}

const TRIES = 6;
const LONGEST_PAUSE_S = 5;

/** A server that asks to come again in a moment (a control plane is being opened) is asked again. */
async function patiently(attempt: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await attempt();
    const pause = Number(response.headers.get('retry-after') ?? NaN);
    if (response.status !== 503 || !(pause <= LONGEST_PAUSE_S) || tries === TRIES) return response;
    await new Promise((done) => setTimeout(done, pause * 1000));
  }
}

/** One call to our own server. Throws ApiError for what it refuses, Unreachable when it does not answer. */
export async function call<T>(path: string, options: Options = {}): Promise<Reply<T>> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.ifMatch) headers['If-Match'] = options.ifMatch;
  const response = await patiently(() =>
    send(address(path, options.query), {
      method: options.method ?? 'GET',
      headers,
      ...(options.body !== undefined ? { body: JSON.stringify(options.body) } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  );
  const body = await content(response);
  if (!response.ok) throw refusal(response.status, body);
  return { data: body as T, etag: response.headers.get('etag') };
}

/** Part of a path, whatever it holds. */
export const part = (text: string): string => encodeURIComponent(text);

export function messageOf(error: unknown): string {
  return sentence(error instanceof Error ? error.message : String(error));
}
