import { type ClientRefusal, type PageRequest, readAuthorizationPage } from './protocol/authorization-page.ts'
import { displayUrl } from './protocol/display-text.ts'
import type { SessionContext } from './session-context.ts'

const STEP = 'authorization page'
/** A person waits behind it, and it is only a look. */
const TIMEOUT_MS = 5_000
/** An error page is short; no more is read. */
const MAX_BYTES = 65_536
/** For how long a client that was just accepted is not doubted. */
const PROOF_LIFETIME_MS = 600_000

/** No authorization page lets a script of another origin see it; asking would only cost a request. */
const SEES_PAGES = !('document' in globalThis) && !('importScripts' in globalThis)

/** The authorization request to try. */
export interface PreflightRequest extends PageRequest {
  /** As a person would be sent there, with a state and a challenge that serve nothing else. */
  readonly url: URL
  readonly signal?: AbortSignal | undefined
  /** Default five seconds. */
  readonly timeoutMs?: number
}

/** What the look needs of its session. */
type PreflightContext = Pick<SessionContext, 'fetch' | 'policy' | 'now' | 'emit'>

/**
 * Looks at the authorization endpoint before a person is sent there: a client that the server has forgotten ends on an error page of
 * which nothing ever comes back (field R3). One GET without cookies that follows no redirect. Whatever else happens, the server being
 * slow, down or in the way of bots, says nothing and stops nobody. In a browser nothing is asked. Never rejects.
 */
export async function lookAtAuthorizationPage(
  context: PreflightContext,
  request: PreflightRequest,
): Promise<ClientRefusal | undefined> {
  if (!SEES_PAGES) return undefined
  const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)
  const ended = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout
  try {
    return await untilEnded(ended, () => look(context, request, ended))
  } catch {
    return undefined
  }
}

async function look(
  context: PreflightContext,
  request: PreflightRequest,
  signal: AbortSignal,
): Promise<ClientRefusal | undefined> {
  await context.policy.assertUrl(request.url, STEP)
  const startedAt = context.now()
  const response = await context.fetch(request.url.href, {
    method: 'GET',
    headers: { accept: 'application/json, text/html;q=0.9, */*;q=0.1', 'user-agent': 'latchkey' },
    redirect: 'manual',
    credentials: 'omit',
    cache: 'no-store',
    signal,
  })
  const { status } = response
  const durationMs = context.now() - startedAt
  context.emit({ type: 'http', step: STEP, method: 'GET', url: displayUrl(request.url), status, durationMs })
  const body = status >= 400 && status < 500 ? await readStart(response) : ''
  // What is not needed must not go on arriving.
  if (body === '') void response.body?.cancel().catch(() => undefined)
  const location = response.headers.get('location')
  return readAuthorizationPage({ status, location, body, url: request.url.href }, request)
}

async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const decoder = new TextDecoder()
  let [text, length] = ['', 0]
  while (length < MAX_BYTES) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.byteLength
    text += decoder.decode(value, { stream: true })
  }
  void reader.cancel().catch(() => undefined)
  return text
}

/** Rejects as soon as `signal` fires, even where a foreign `fetch` pays no heed to it. */
async function untilEnded<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  let end: (() => void) | undefined
  const ended = new Promise<never>((_, reject) => {
    end = () => reject(new DOMException('The look was ended.', 'AbortError'))
    signal.addEventListener('abort', end, { once: true })
  })
  try {
    return await Promise.race([task(), ended])
  } finally {
    if (end) signal.removeEventListener('abort', end)
  }
}

/** Whether the authorization server took this client for known a moment ago: tokens that it was given then prove it. */
export function isProven(obtainedAt: number | undefined, now: number): boolean {
  return obtainedAt !== undefined && Math.abs(now - obtainedAt) < PROOF_LIFETIME_MS
}
