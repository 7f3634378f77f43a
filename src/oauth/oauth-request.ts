import { OAuthError, type OAuthErrorDetail } from './errors.ts'
import type { OAuthEvent } from './events.ts'
import { toNetworkError } from './network-error.ts'
import type { Policy } from './policy.ts'
import { displayUrl } from './protocol/display-text.ts'
import type { HttpAnswer } from './protocol/http-answer.ts'
import { parseUrl } from './protocol/url.ts'

/** One request of the authorization layer. */
export interface OAuthRequestInput {
  /** The step in words, for errors and events: `token request`. */
  readonly step: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string | URL
  readonly headers?: ConstructorParameters<typeof Headers>[0]
  /** A form, or text that is JSON unless `content-type` says otherwise. */
  readonly body?: URLSearchParams | string
  /** Ends the request. A redemption passes none: once sent, only its own time-out ends it (R-TOKEN-3). */
  readonly signal?: AbortSignal
}

/** The answer, read to its end. Any status that is not a redirect is an answer, not an error. */
export type OAuthResponse = HttpAnswer

/**
 * Sends one request within the policy.
 *
 * @throws {OAuthError} `url_refused`, `redirect_refused`, `response_too_large`, `timeout`, `network`, `aborted`
 */
export type OAuthRequest = (input: OAuthRequestInput) => Promise<OAuthResponse>

/** The world that {@link createOAuthRequest} works in. */
export interface OAuthRequestOptions {
  readonly fetch: typeof globalThis.fetch
  readonly policy: Policy
  readonly onEvent?: ((event: OAuthEvent) => void) | undefined
  /** Milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** In browsers the header is theirs, and setting it may cost a preflight. */
const MAY_NAME_ITSELF = !('document' in globalThis) && !('importScripts' in globalThis)

/** Why the running request was ended by us. */
type Ended = 'timeout' | 'aborted'

/**
 * Creates the one function through which the authorization layer talks to servers. The URL is judged by the policy first;
 * redirects are never followed blindly: a GET may follow a few on its origin, others none. Time-out and size cap cover the
 * whole body. Errors never hold query strings, bodies or what `fetch` had to say beyond its error code.
 */
export function createOAuthRequest({ fetch, policy, onEvent, now = Date.now }: OAuthRequestOptions): OAuthRequest {
  return async input => {
    const controller = new AbortController()
    let ended: Ended | undefined
    const end = (why: Ended): void => {
      ended ??= why
      controller.abort()
    }
    const onAbort = (): void => end('aborted')
    const timer = setTimeout(end, policy.timeoutMs, 'timeout')
    input.signal?.addEventListener('abort', onAbort, { once: true })
    if (input.signal?.aborted === true) end('aborted')
    try {
      return await untilAborted(controller.signal, () => exchange(input, controller.signal))
    } catch (error) {
      throw toOAuthError(error, input, ended)
    } finally {
      clearTimeout(timer)
      input.signal?.removeEventListener('abort', onAbort)
    }
  }

  async function exchange(input: OAuthRequestInput, signal: AbortSignal): Promise<OAuthResponse> {
    const init = toRequestInit(input, signal)
    let url = await policy.assertUrl(input.url, input.step)
    for (let redirects = 0; ; redirects++) {
      signal.throwIfAborted()
      const startedAt = now()
      const response = await fetch(url.href, init)
      emitHttp(input, url, response.status, now() - startedAt)
      const target = redirectTarget(response, url, input, redirects)
      if (target === undefined) {
        const { status, headers } = response
        const body = await readText(response, url, input.step)
        return { status, headers, contentType: headers.get('content-type'), body, url: url.href }
      }
      await discard(response)
      url = await policy.assertUrl(target, input.step)
    }
  }

  function emitHttp({ step, method }: OAuthRequestInput, url: URL, status: number, durationMs: number): void {
    try {
      onEvent?.({ type: 'http', step, method, url: displayUrl(url), status, durationMs })
    } catch {
      // A listener that throws must not cost an answer that may hold a rotated token.
    }
  }

  /** Where to go next, undefined for an answer. */
  function redirectTarget(response: Response, url: URL, input: OAuthRequestInput, redirects: number): URL | undefined {
    const opaque = response.type === 'opaqueredirect'
    if (!opaque && !REDIRECT_STATUSES.has(response.status)) return undefined
    const location = opaque ? null : response.headers.get('location')
    const target = location === null ? undefined : resolveUrl(location, url)
    const follows = input.method === 'GET' && target?.origin === url.origin && redirects < policy.maxRedirects
    if (follows && target !== undefined) return target
    void discard(response)
    const received = target === undefined ? 'a redirect that cannot be read' : `a redirect to ${displayUrl(target)}`
    throw new OAuthError('redirect_refused', `${describe(input)} was answered with ${received}.`, {
      ...detailOf(input, url),
      ...(response.status !== 0 && { status: response.status }),
      expected:
        input.method === 'GET'
          ? `at most ${policy.maxRedirects} redirects on the same origin`
          : 'an answer, no redirect',
      received,
      hint: opaque
        ? 'A browser hides where a redirect leads, so none can be followed here: the server must answer at this URL itself.'
        : 'The server must answer at this URL itself, or its metadata must name the final URL.',
    })
  }

  /** Decodes the body while counting, and stops the transfer as soon as it is too long. */
  async function readText(response: Response, url: URL, step: string): Promise<string> {
    const tooLarge = (): OAuthError =>
      new OAuthError('response_too_large', `The answer of ${displayUrl(url)} (${step}) is too large.`, {
        step,
        url: displayUrl(url),
        status: response.status,
        expected: `at most ${policy.maxBytes} bytes`,
      })
    if (Number(response.headers.get('content-length') ?? 0) > policy.maxBytes) {
      await discard(response)
      throw tooLarge()
    }
    if (response.body === null) return ''
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    let [text, length] = ['', 0]
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      length += value.byteLength
      if (length > policy.maxBytes) {
        void reader.cancel().catch(() => {})
        throw tooLarge()
      }
      text += decoder.decode(value, { stream: true })
    }
  }
}

/** Rejects as soon as `signal` fires, even if a foreign `fetch` or resolver pays no heed to it. */
async function untilAborted<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new DOMException('The request was ended.', 'AbortError'))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([task(), aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

function toRequestInit(input: OAuthRequestInput, signal: AbortSignal): RequestInit {
  const headers = new Headers(input.headers)
  if (!headers.has('accept')) headers.set('accept', 'application/json')
  if (MAY_NAME_ITSELF && !headers.has('user-agent')) headers.set('user-agent', 'latchkey')
  const { body } = input
  if (body !== undefined && !headers.has('content-type')) {
    // Without the charset parameter that `fetch` would add: some token endpoints compare the whole value.
    headers.set('content-type', typeof body === 'string' ? 'application/json' : 'application/x-www-form-urlencoded')
  }
  return {
    method: input.method,
    headers,
    redirect: 'manual',
    // A browser must not lend the person's cookies to requests of this client.
    credentials: 'omit',
    cache: 'no-store',
    signal,
    ...(body !== undefined && { body: String(body) }),
  }
}

function resolveUrl(location: string, base: URL): URL | undefined {
  try {
    return new URL(location, base)
  } catch {
    return undefined
  }
}

async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}

function describe({ step, url }: OAuthRequestInput): string {
  return `The ${step} to ${displayUrl(url)}`
}

function detailOf({ step }: OAuthRequestInput, url: string | URL): OAuthErrorDetail {
  return { step, url: displayUrl(url) }
}

function toOAuthError(error: unknown, input: OAuthRequestInput, ended: Ended | undefined): OAuthError {
  const detail = detailOf(input, parseUrl(String(input.url)) ?? input.url)
  if (error instanceof OAuthError) return error
  if (ended === 'aborted') return new OAuthError('aborted', `${describe(input)} was aborted.`, detail)
  if (ended === 'timeout') {
    return new OAuthError('timeout', `${describe(input)} was not answered in time.`, {
      ...detail,
      hint: 'The server may be slow or unreachable; try again later.',
    })
  }
  return toNetworkError(error, describe(input), detail)
}
