/** A body longer than this is not kept for a second attempt, in bytes. */
export const MAX_REPLAYED_BODY_BYTES = 4_194_304

/** A request that can be sent more than once, if its body allows. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly signal: AbortSignal | undefined
  /** What the caller wants done with redirects. */
  readonly redirect: RequestRedirect
  /** Whether the body can be sent again. */
  readonly replayable: boolean
  /** The init for one attempt; redirects are never followed by `fetch` itself. */
  initWith(headers: Headers): RequestInit
  /** A response that stands although it is a redirect, as the caller's mode wants it. @throws {TypeError} with `redirect: 'error'` */
  asRedirectMode(response: Response): Response
}

/** Reads what `fetch(input, init)` would send. Does not touch the caller's objects, but for the body of a `Request`. */
export async function readOutgoingRequest(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<OutgoingRequest> {
  const request = input instanceof Request ? input : undefined
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase()
  const signal = init.signal ?? request?.signal
  const redirect = init.redirect ?? request?.redirect ?? 'follow'
  const body = await bodyOf(request, init)
  return {
    method,
    url: new URL(input instanceof Request ? input.url : input),
    headers: new Headers(init.headers ?? request?.headers),
    signal,
    redirect,
    replayable: body.replayable,
    initWith: headers => ({
      ...(request && { credentials: request.credentials, cache: request.cache, keepalive: request.keepalive }),
      ...init,
      method,
      headers,
      redirect: 'manual',
      ...(signal && { signal }),
      ...(body.value !== null && { body: body.value }),
      // Required for a stream by fetch; not yet in the type.
      ...(body.value instanceof ReadableStream && { duplex: 'half' }),
    }),
    asRedirectMode(response) {
      if (redirect === 'error' && response.status >= 300 && response.status < 400) {
        throw new TypeError(
          `The server answered with a redirect (${response.status}), which this request does not allow.`,
        )
      }
      return response
    },
  }
}

interface Body {
  readonly value: NonNullable<RequestInit['body']> | null
  readonly replayable: boolean
}

async function bodyOf(request: Request | undefined, init: RequestInit): Promise<Body> {
  if (init.body !== undefined && init.body !== null) return { value: init.body, replayable: isReplayable(init.body) }
  if (!request?.body) return { value: null, replayable: true }
  return readUpTo(request.body, MAX_REPLAYED_BODY_BYTES)
}

function isReplayable(body: NonNullable<RequestInit['body']>): boolean {
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob
  )
}

/** The whole body when it fits, else a stream that continues what was read. */
async function readUpTo(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Body> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { value: new Blob(chunks as BlobPart[]), replayable: true }
    chunks.push(value)
    length += value.byteLength
    if (length > maxBytes) return { value: continued(chunks, reader), replayable: false }
  }
}

function continued(chunks: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream {
  const read = [...chunks]
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = read.shift() ?? (await reader.read()).value
      if (next) controller.enqueue(next)
      else controller.close()
    },
    cancel: reason => reader.cancel(reason),
  })
}
