import { firewallOf } from './firewall-page.ts'

/** An HTTP answer as the pure readers take it: read to the end, within the cap. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  /** The `Content-Type` header; null when there is none. */
  readonly contentType: string | null
  readonly body: string
  /** Where the answer came from, after same-origin redirects. */
  readonly url: string
  /** What was sent and must not be shown, though the answer repeats it. */
  readonly secrets?: readonly string[]
}

/** What the readers of documents need of an {@link HttpAnswer}. */
export type DocumentAnswer = Pick<HttpAnswer, 'status' | 'contentType' | 'body' | 'url'> & {
  /** For `Retry-After`. */
  readonly headers?: Headers
}

/** Long enough for any real back-off; a server cannot make a client wait for ever. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * `Retry-After` in milliseconds: seconds, or an HTTP date counted from `now` (default: the answer's own `Date`, else the
 * clock), never negative, at most a day. Undefined when absent or unreadable.
 *
 * @see RFC 9110 §10.2.3
 */
export function retryAfterMs(headers: Headers | undefined, now?: number): number | undefined {
  const value = headers?.get('retry-after')?.trim()
  if (value === undefined || value === '') return undefined
  const waitMs = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - (now ?? dateOf(headers))
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

function dateOf(headers: Headers | undefined): number {
  const date = Date.parse(headers?.get('date') ?? '')
  return Number.isNaN(date) ? Date.now() : date
}

/** {@link retryAfterMs} as a member of an error's detail; empty when absent. */
export function retryAfter(answer: DocumentAnswer, now?: number): { readonly retryAfterMs?: number } {
  const waitMs = retryAfterMs(answer.headers, now)
  return waitMs === undefined ? {} : { retryAfterMs: waitMs }
}

/** True for answers that say nothing about the thing asked for and may pass: 5xx and 429. */
export function isTransientStatus(status: number): boolean {
  return status === 429 || status >= 500
}

/** `404 text/html`: how an answer is named in a message. Says so when a firewall answered in the server's place. */
export function describeAnswer(answer: DocumentAnswer): string {
  const type = answer.contentType?.split(';')[0]?.trim()
  const seen = type === undefined || type === '' ? String(answer.status) : `${answer.status} ${type.slice(0, 60)}`
  const firewall = firewallOf(answer)
  return firewall === undefined ? seen : `${seen}, a firewall page answered: ${firewall}`
}
