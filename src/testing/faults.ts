import type { RecordedRequest, Step, StepVariant } from './recording.ts'

/** Where a fault strikes: at a step, or at one variant of it. The variant is looked up first. */
export type FaultPoint = Step | StepVariant

interface Limited {
  /** How many requests it strikes before things are well again. Default: all. */
  readonly times?: number
  /** How many requests pass before it strikes. Default 0. */
  readonly after?: number
}

/** One thing that goes wrong on the wire. Objects are counted by identity: give a fresh one to start over. */
export type Fault = Limited &
  (
    | {
        /** An HTTP status with a body, by default plain text (D8, T12, R-PRM-2). */
        readonly kind: 'status'
        readonly status: number
        readonly headers?: Readonly<Record<string, string>>
        readonly body?: string
      }
    /** A 200 with a page instead of the answer (D6, P4). */
    | { readonly kind: 'html'; readonly status?: number }
    /** An OAuth error answer (RFC 6749 §5.2), 400 unless said otherwise (T2, T13, R-REFRESH-4). */
    | { readonly kind: 'oauth-error'; readonly error: string; readonly description?: string; readonly status?: number }
    /** An OAuth error, in body and challenge, whose description repeats everything secret that the request carried. */
    | { readonly kind: 'echoing-error'; readonly error: string; readonly status?: number }
    /** A redirect (R-TOKEN-3). */
    | { readonly kind: 'redirect'; readonly to: string; readonly status?: 301 | 302 | 303 | 307 | 308 }
    /** The connection fails before anything is processed (D17). */
    | {
        readonly kind: 'connection-error'
        readonly code?: 'ENOTFOUND' | 'ECONNREFUSED' | 'ECONNRESET' | 'CERT_HAS_EXPIRED'
      }
    /** No answer, ever; ends with the caller's signal (R-TOKEN-3). */
    | { readonly kind: 'silent' }
    /** An answer whose body stops after the first bytes and stays open. */
    | { readonly kind: 'stalled-body' }
    /** A JSON answer of this many bytes (R-TOKEN-3). */
    | { readonly kind: 'huge-body'; readonly bytes: number }
    /** An answer that never ends. */
    | { readonly kind: 'endless-body' }
    /** The request is processed — a token is spent — and the answer is lost (M1, M12). */
    | { readonly kind: 'lost-answer' }
    /** The request is processed, and the answer waits until the promise settles. */
    | { readonly kind: 'held-answer'; readonly until: Promise<unknown> }
    /** The request waits until the promise settles, and is processed then. */
    | { readonly kind: 'held-request'; readonly until: Promise<unknown> }
  )

/** Finds the fault that strikes a request now, and counts it. */
export function createFaultCounter(): (
  faults: Readonly<Partial<Record<FaultPoint, Fault>>>,
  request: RecordedRequest,
) => Fault | undefined {
  const seen = new WeakMap<Fault, number>()
  return (faults, request) => {
    const fault = (request.variant && faults[request.variant]) ?? faults[request.step]
    if (!fault) return undefined
    const count = seen.get(fault) ?? 0
    seen.set(fault, count + 1)
    const first = fault.after ?? 0
    return count >= first && count < first + (fault.times ?? Number.POSITIVE_INFINITY) ? fault : undefined
  }
}

/** Answers a request as `fault` says, `process` being what a sound server would do. */
export async function answerWithFault(
  fault: Fault | undefined,
  process: () => Promise<Response>,
  request: Request,
): Promise<Response> {
  const { signal } = request
  switch (fault?.kind) {
    case undefined:
      return process()
    case 'status':
      return new Response(fault.body ?? `status ${fault.status}`, {
        status: fault.status,
        headers: { 'content-type': 'text/plain', ...fault.headers },
      })
    case 'html':
      return htmlPage('<!doctype html><title>Welcome</title>', fault.status ?? 200)
    case 'oauth-error':
      return Response.json(
        { error: fault.error, ...(fault.description !== undefined && { error_description: fault.description }) },
        { status: fault.status ?? 400 },
      )
    case 'echoing-error':
      return echoingError(fault.error, fault.status ?? 400, request)
    case 'redirect':
      return new Response(null, { status: fault.status ?? 302, headers: { location: fault.to } })
    case 'connection-error':
      throw connectionError(fault.code ?? 'ECONNREFUSED')
    case 'silent':
      return untilAborted(signal)
    case 'stalled-body':
      return jsonStream(signal, controller => controller.enqueue(new TextEncoder().encode('{')), false)
    case 'endless-body':
      return jsonStream(signal, controller => controller.enqueue(SPACES), true)
    case 'huge-body':
      return hugeBody(fault.bytes, signal)
    case 'lost-answer':
      await process()
      throw connectionError('ECONNRESET')
    case 'held-answer': {
      const response = await process()
      await Promise.race([fault.until, untilAborted(signal)])
      return response
    }
    case 'held-request':
      await Promise.race([fault.until, untilAborted(signal)])
  }
  return process()
}

/** A page, as a misplaced catch-all or a login wall would send it. */
export function htmlPage(text: string, status: number): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/html; charset=utf-8' } })
}

/** What `fetch` rejects with when the connection fails: a `TypeError` whose cause carries the system's code. */
export function connectionError(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(`${code} (simulated)`), { code }) })
}

const SPACES = new TextEncoder().encode(' '.repeat(65_536))

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

/** What a careless server does: it quotes what it did not like. */
async function echoingError(error: string, status: number, request: Request): Promise<Response> {
  const authorization = request.headers.get('authorization') ?? ''
  const form = new URLSearchParams(await request.clone().text())
  const sent = [...form.values(), authorization.replace(/^\S+ /, '')].filter(value => value !== '')
  const description = `not accepted: ${sent.join(' ')}`
  const challenge = `Bearer error="${error}", error_description="${description.replaceAll(/["\\\r\n]/g, '')}"`
  return Response.json(
    { error, error_description: description },
    { status, headers: { 'www-authenticate': challenge } },
  )
}

type Controller = ReadableStreamDefaultController<Uint8Array>

/** A JSON answer whose body comes out of `pull`, which is called again and again, or once and then nothing more comes. */
function jsonStream(signal: AbortSignal, pull: (controller: Controller) => void, repeat: boolean): Response {
  let started = false
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
    },
    async pull(controller) {
      if (started && !repeat) return new Promise<void>(() => {})
      // Like a network: without a pause, a reader that never stops would starve the timers that are to stop it.
      if (started) await new Promise(resolve => setTimeout(resolve, 0))
      started = true
      if (!signal.aborted) pull(controller)
    },
  })
  return new Response(stream, { headers: { 'content-type': 'application/json' } })
}

function hugeBody(bytes: number, signal: AbortSignal): Response {
  let left = bytes
  const pull = (controller: Controller): void => {
    controller.enqueue(SPACES.subarray(0, Math.min(left, SPACES.length)))
    left -= SPACES.length
    if (left <= 0) controller.close()
  }
  return jsonStream(signal, pull, true)
}
