import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { OAuthError } from '../../src/oauth/errors.ts'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { createOAuthRequest, type OAuthRequest, type OAuthRequestInput } from '../../src/oauth/oauth-request.ts'
import { createPolicy, type PolicyOptions } from '../../src/oauth/policy.ts'

const servers: Server[] = []

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(async () => {
  vi.useRealTimers()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

interface Given extends Partial<PolicyOptions> {
  readonly fetch?: typeof globalThis.fetch
  readonly onEvent?: (event: OAuthEvent) => void
  readonly now?: () => number
}

function create({ fetch = globalThis.fetch, onEvent, now, ...policy }: Given = {}): OAuthRequest {
  return createOAuthRequest({
    fetch,
    policy: createPolicy({ server: 'http://127.0.0.1:1/mcp', ...policy }),
    onEvent,
    now,
  })
}

const get = (url: string, more: Partial<OAuthRequestInput> = {}): OAuthRequestInput => ({
  step: 'authorization server metadata',
  method: 'GET',
  url,
  ...more,
})

async function failure(promise: Promise<unknown>): Promise<OAuthError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OAuthError) return error
  throw new Error(`expected an OAuthError, got ${String(error)}`)
}

/** A body that never ends, and what became of it. */
function endless(chunk: Uint8Array): { body: ReadableStream<Uint8Array>; state: { sent: number; cancelled: boolean } } {
  const state = { sent: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      state.sent += chunk.length
      controller.enqueue(chunk)
    },
    cancel() {
      state.cancelled = true
    },
  })
  return { body, state }
}

const never: typeof globalThis.fetch = (_, init) =>
  new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))
const deaf: typeof globalThis.fetch = () => new Promise(() => {})
const failing =
  (cause: unknown): typeof globalThis.fetch =>
  () =>
    Promise.reject(new TypeError('fetch failed for token=canary', { cause }))

describe('a request', () => {
  it('R-TOKEN-1 asks for JSON and says who it is', async () => {
    let seen: IncomingMessage['headers'] = {}
    const origin = await listen((request, response) => {
      seen = request.headers
      response.end('{}')
    })
    const response = await create()(get(`${origin}/x`, { headers: { 'x-own': '1' } }))
    expect(seen).toMatchObject({ accept: 'application/json', 'user-agent': 'latchkey', 'x-own': '1' })
    expect(response).toMatchObject({ status: 200, contentType: null, body: '{}', url: `${origin}/x` })
  })

  it('sends a form with exactly the form content type, and text as JSON', async () => {
    const seen: [string | undefined, string][] = []
    const origin = await listen((request, response) => {
      let body = ''
      request.on('data', chunk => (body += String(chunk)))
      request.on('end', () => {
        seen.push([request.headers['content-type'], body])
        response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"x"}')
      })
    })
    const request = create()
    const post = { step: 'token request', method: 'POST', url: `${origin}/token` } as const
    expect((await request({ ...post, body: new URLSearchParams({ a: 'b c' }) })).status).toBe(400)
    await request({ ...post, body: '{"a":1}' })
    expect(seen).toEqual([
      ['application/x-www-form-urlencoded', 'a=b+c'],
      ['application/json', '{"a":1}'],
    ])
  })

  it('R-ASM-4 is not sent to a URL that the policy refuses', async () => {
    const fetch = vi.fn<typeof globalThis.fetch>()
    expect((await failure(create({ fetch })(get('http://auth.example.com/')))).code).toBe('url_refused')
    expect((await failure(create({ fetch })(get('javascript:alert(1)')))).code).toBe('url_refused')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('tells each leg as an event without its query, and survives a listener that throws', async () => {
    const origin = await listen((_, response) => response.end('ok'))
    const events: OAuthEvent[] = []
    let clock = 1_000
    const request = create({
      now: () => (clock += 5),
      onEvent: event => {
        events.push(event)
        throw new Error('listener')
      },
    })
    expect((await request(get(`${origin}/x?secret=1`))).body).toBe('ok')
    expect(events).toEqual([
      {
        type: 'http',
        step: 'authorization server metadata',
        method: 'GET',
        url: `${origin}/x?…`,
        status: 200,
        durationMs: 5,
      },
    ])
  })
})

const chain =
  (length: number): RequestListener =>
  (request, response) => {
    const step = Number(request.url?.slice(1))
    if (step >= length) response.end('end')
    else response.writeHead(302, { location: `/${step + 1}` }).end()
  }

describe('redirects', () => {
  it('R-TOKEN-3 a GET follows up to three on its origin', async () => {
    const three = await listen(chain(3))
    expect(await create()(get(`${three}/0`))).toMatchObject({ body: 'end', url: `${three}/3` })
    const four = await listen(chain(4))
    expect((await failure(create()(get(`${four}/0`)))).code).toBe('redirect_refused')
  })

  it('R-TOKEN-3 a GET never follows one to another origin', async () => {
    const other = vi.fn<RequestListener>((_, response) => response.end('{}'))
    const target = await listen(other)
    const origin = await listen((_, response) =>
      response.writeHead(302, { location: `${target}/steal?a=secret` }).end(),
    )
    const error = await failure(create()(get(`${origin}/x`)))
    expect(error.code).toBe('redirect_refused')
    expect(error.detail).toMatchObject({ status: 302, received: `a redirect to ${target}/steal?…` })
    expect(other).not.toHaveBeenCalled()
  })

  it.each([301, 302, 303, 307, 308])('R-TOKEN-3 a POST follows none, %d on its own origin included', async status => {
    const paths: (string | undefined)[] = []
    const origin = await listen((request, response) => {
      paths.push(request.url)
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const post = {
      step: 'token request',
      method: 'POST',
      url: `${origin}/token`,
      body: new URLSearchParams({ refresh_token: 'canary' }),
    } as const
    const error = await failure(create()(post))
    expect(error.code).toBe('redirect_refused')
    expect(JSON.stringify([error.message, error.detail])).not.toContain('canary')
    expect(paths).toEqual(['/token'])
  })

  it.each(['javascript:alert(1)', 'http://[', undefined])('refuses a redirect to %j', async location => {
    const origin = await listen((_, response) =>
      response.writeHead(302, location === undefined ? {} : { location }).end(),
    )
    expect((await failure(create()(get(origin)))).code).toBe('redirect_refused')
  })

  it('an opaque redirect of a browser is refused with a hint', async () => {
    const opaque = Object.defineProperties(new Response(), { type: { value: 'opaqueredirect' }, status: { value: 0 } })
    const error = await failure(create({ fetch: async () => opaque })(get('http://127.0.0.1:1/')))
    expect(error.code).toBe('redirect_refused')
    expect(error.detail.hint).toContain('browser')
  })
})

describe('limits', () => {
  it('R-TOKEN-3 a body is cut off as soon as it passes the cap', async () => {
    const { body, state } = endless(new Uint8Array(1_000))
    const error = await failure(
      create({ maxBytes: 10_000, fetch: async () => new Response(body) })(get('http://127.0.0.1:1/')),
    )
    expect(error.code).toBe('response_too_large')
    expect(state.cancelled).toBe(true)
    expect(state.sent).toBeLessThan(20_000)
  })

  it('R-TOKEN-3 an announced length past the cap is not even read', async () => {
    const { body, state } = endless(new Uint8Array(10))
    const headers = { 'content-length': '10001' }
    const fetch = async (): Promise<Response> => new Response(body, { headers })
    expect((await failure(create({ maxBytes: 10_000, fetch })(get('http://127.0.0.1:1/')))).code).toBe(
      'response_too_large',
    )
    expect(state).toEqual({ sent: expect.any(Number), cancelled: true })
    expect(state.sent).toBeLessThanOrEqual(10)
  })

  it('a body of exactly the cap is fine, split inside a character too', async () => {
    const bytes = new TextEncoder().encode('ä€😀')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    const request = create({ maxBytes: bytes.length, fetch: async () => new Response(body) })
    expect((await request(get('http://127.0.0.1:1/'))).body).toBe('ä€😀')
  })

  it.each([
    ['that never answers', never],
    ['that does not heed its signal', deaf],
    ['whose resolver hangs', undefined],
  ])('R-TOKEN-3 a request %s times out, retryable', async (_, fetch) => {
    vi.useFakeTimers()
    const hanging = { server: 'https://mcp.example.com', resolveHost: () => new Promise<never>(() => {}) }
    const request = create({ timeoutMs: 30_000, ...(fetch === undefined ? hanging : { fetch }) })
    const pending = failure(request(get(fetch === undefined ? 'https://auth.example.com/' : 'http://127.0.0.1:1/')))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await pending).toMatchObject({ code: 'timeout', retryable: true })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('R-TOKEN-3 the time-out covers the body as well as the headers', async () => {
    vi.useFakeTimers()
    const silent = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(Uint8Array.of(123)) })
    const pending = failure(
      create({ timeoutMs: 1_000, fetch: async () => new Response(silent) })(get('http://127.0.0.1:1/')),
    )
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await pending).code).toBe('timeout')
  })

  it('R-TOKEN-3 a request without a signal ends only by its own time-out; with one, by it', async () => {
    const controller = new AbortController()
    const pending = failure(create({ fetch: never })(get('http://127.0.0.1:1/', { signal: controller.signal })))
    controller.abort(new Error('canary'))
    const error = await pending
    expect(error).toMatchObject({ code: 'aborted', retryable: false })
    expect(String(error)).not.toContain('canary')
  })

  it('sends nothing when the signal has fired before', async () => {
    const fetch = vi.fn<typeof globalThis.fetch>()
    expect((await failure(create({ fetch })(get('http://127.0.0.1:1/', { signal: AbortSignal.abort() })))).code).toBe(
      'aborted',
    )
    expect(fetch).not.toHaveBeenCalled()
  })

  it('leaves no timer and no listener behind', async () => {
    vi.useFakeTimers()
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    await create({ fetch: async () => new Response('ok') })(get('http://127.0.0.1:1/', { signal }))
    expect(vi.getTimerCount()).toBe(0)
    expect(remove).toHaveBeenCalledTimes(1)
  })
})

describe('failures of the network', () => {
  it.each([
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['ECONNREFUSED', 'connect'],
    ['ECONNRESET', 'connect'],
    ['ETIMEDOUT', 'connect'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ])('field D17: %s is told as %s, not as an OAuth failure', async (code, kind) => {
    const cause = Object.assign(new Error('secret'), { code })
    for (const given of [cause, new AggregateError([cause]), new Error('outer', { cause })]) {
      const error = await failure(create({ fetch: failing(given) })(get('http://127.0.0.1:1/')))
      expect(error).toMatchObject({ code: 'network', retryable: true, detail: { received: code } })
      expect(error.message).toContain(`(${kind})`)
    }
  })

  it('field D17: a closed port and plain http behind https are told apart for real', async () => {
    const origin = await listen((_, response) => response.end())
    const tls = await failure(create()(get(origin.replace('http:', 'https:'))))
    expect(tls.message).toContain('(tls)')
    for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve))
    expect((await failure(create()(get(origin)))).message).toContain('(connect)')
  })

  it('an unknown failure is still a network error, and takes nothing of the message or cause over', async () => {
    const ring: { cause?: unknown } = {}
    ring.cause = ring
    for (const cause of [ring, 'canary', undefined, { code: 'canary lower case' }]) {
      const error = await failure(create({ fetch: failing(cause) })(get('http://127.0.0.1:1/?k=canary')))
      expect(error.code).toBe('network')
      expect(error.cause).toBeUndefined()
      expect(JSON.stringify([error.message, error.detail])).not.toContain('canary')
    }
  })
})

it('lends no cookies, leaves nothing in a cache, and follows no redirect by itself', async () => {
  const inits: (RequestInit | undefined)[] = []
  const request = create({
    fetch: async (_, init) => {
      inits.push(init)
      return new Response('{}')
    },
  })
  await request(get('https://as.example.com/metadata'))
  await request({ ...get('https://as.example.com/token'), method: 'POST', body: new URLSearchParams({ a: 'b' }) })
  const expected = { credentials: 'omit', cache: 'no-store', redirect: 'manual' }
  expect(inits).toEqual([expect.objectContaining(expected), expect.objectContaining(expected)])
})
