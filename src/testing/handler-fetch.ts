/** A function that answers one HTTP request. */
export type RequestHandler = (request: Request) => Promise<Response>

const MAX_REDIRECTS = 20

/**
 * Makes a `fetch` out of a request handler, without a network. `redirect` means what it means in `fetch` (following drops
 * `Authorization` on another origin), an aborted signal rejects at once, and what the handler throws is thrown.
 */
export function fetchFromHandler(handle: RequestHandler): typeof globalThis.fetch {
  return async (input, init) => {
    let request = new Request(input, init)
    const { redirect, signal } = request
    for (let hops = 0; ; hops += 1) {
      const replayable = request.body ? request.clone() : request
      signal.throwIfAborted()
      const response = await untilAborted(handle(request), signal)
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
      if (location === null || redirect === 'manual') return withUrl(response, request.url, hops > 0)
      if (redirect === 'error' || hops === MAX_REDIRECTS)
        throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') })
      request = redirected(replayable, response.status, new URL(location, request.url))
    }
  }
}

function redirected(request: Request, status: number, to: URL): Request {
  const headers = new Headers(request.headers)
  if (to.origin !== new URL(request.url).origin) headers.delete('authorization')
  const becomesGet = status === 303 || ((status === 301 || status === 302) && request.method === 'POST')
  if (!becomesGet) return new Request(to, new Request(request, { headers }))
  headers.delete('content-type')
  return new Request(to, { headers, signal: request.signal })
}

function withUrl(response: Response, url: string, redirected: boolean): Response {
  Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } })
  return response
}

async function untilAborted(answer: Promise<Response>, signal: AbortSignal): Promise<Response> {
  let abort = nothing
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function nothing(): void {}
