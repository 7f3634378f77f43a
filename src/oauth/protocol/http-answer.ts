/** An HTTP answer as the pure readers take it: read to the end, within the cap. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  /** The `Content-Type` header; null when there is none. */
  readonly contentType: string | null
  readonly body: string
  /** Where the answer came from, after same-origin redirects. */
  readonly url: string
}

/** What the readers of documents need of an {@link HttpAnswer}. */
export type DocumentAnswer = Pick<HttpAnswer, 'status' | 'contentType' | 'body' | 'url'>

/** Long enough for any real back-off; a server cannot make a client wait for ever. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * `Retry-After` in milliseconds from `now`: seconds or an HTTP date, never negative, at most a day. Undefined when absent
 * or unreadable.
 *
 * @see RFC 9110 §10.2.3
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (value === undefined || value === '') return undefined
  const waitMs = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

/** True for answers that say nothing about the thing asked for and may pass: 5xx and 429. */
export function isTransientStatus(status: number): boolean {
  return status === 429 || status >= 500
}

/** `404 text/html`: how an answer is named in a message. */
export function describeAnswer(answer: DocumentAnswer): string {
  const type = answer.contentType?.split(';')[0]?.trim()
  return type === undefined || type === '' ? String(answer.status) : `${answer.status} ${type.slice(0, 60)}`
}
