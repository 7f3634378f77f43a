import { collectBytes } from './body-bytes.ts'
import { HttpBodyError, type HttpRequest, type HttpResponse, type StreamSink } from './http-message.ts'

/** A web-standard request, as the core sees it. */
export function fromRequest(request: Request): HttpRequest {
  const { pathname, search } = new URL(request.url)
  return {
    method: request.method,
    target: `${pathname}${search}`,
    // Some runtimes keep the host out of the headers.
    header: name => request.headers.get(name) ?? (name === 'host' ? new URL(request.url).host : undefined),
    readBody: limits => readBody(request, limits),
    onDisconnect: listener => {
      const { signal } = request
      if (signal.aborted) queueMicrotask(listener)
      signal.addEventListener('abort', listener, { once: true })
      return () => signal.removeEventListener('abort', listener)
    },
  }
}

async function readBody(
  request: Request,
  { maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs: number },
): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw new HttpBodyError('too_large')
  if (!request.body) return ''
  const reader = request.body.getReader()
  const collected = collectBytes(maxBytes)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    reader.cancel().catch(() => undefined)
  }, timeoutMs)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (isLate) throw new HttpBodyError('too_slow')
      if (done) return collected.text()
      if (!collected.add(value)) throw new HttpBodyError('too_large')
    }
  } catch (error) {
    if (error instanceof HttpBodyError) throw error
    throw new HttpBodyError(isLate ? 'too_slow' : 'lost', { cause: error })
  } finally {
    clearTimeout(timer)
    reader.cancel().catch(() => undefined)
  }
}

/** The core's answer as a web-standard response. */
export function toResponse({ status, headers, body }: HttpResponse): Response {
  const init = { status, headers: { ...headers } }
  if (typeof body === 'function') return new Response(toStream(body), init)
  return new Response(body ?? null, init)
}

/** Bytes that may wait in the stream before the writer is told to stop. */
const HIGH_WATER_MARK = 64 * 1024

function toStream(start: (sink: StreamSink) => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let onDrain: (() => void) | undefined
  const closed: (() => void)[] = []
  let isOpen = true
  let isFull = false
  const close = (): void => {
    isOpen = false
    for (const listener of closed.splice(0)) listener()
  }
  return new ReadableStream<Uint8Array>(
    {
      start: controller =>
        start({
          write: text => {
            if (!isOpen) return true
            controller.enqueue(encoder.encode(text))
            isFull = (controller.desiredSize ?? 0) <= 0
            return !isFull
          },
          end: () => {
            if (!isOpen) return
            close()
            controller.close()
          },
          cut: () => {
            if (!isOpen) return
            close()
            controller.error(new Error('The client took nothing for too long'))
          },
          onDrain: listener => {
            onDrain = listener
          },
          onClose: listener => void closed.push(listener),
        }),
      pull: () => {
        // Streams pull without need: workerd does so within `enqueue`.
        if (!isFull) return
        isFull = false
        onDrain?.()
      },
      cancel: close,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER_MARK }),
  )
}
