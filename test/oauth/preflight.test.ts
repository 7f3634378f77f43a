import { describe, expect, it } from 'vitest'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { createPolicy } from '../../src/oauth/policy.ts'
import { isProven, lookAtAuthorizationPage } from '../../src/oauth/preflight.ts'

const URL_OF_PAGE = 'https://as.example.com/authorize?client_id=client-1&state=s'

function world(answer: (request: Request) => Promise<Response> | Response) {
  const requests: Request[] = []
  const events: OAuthEvent[] = []
  const context = {
    fetch: (async (input, init) => {
      const request = new Request(input, init)
      requests.push(request)
      return answer(request)
    }) as typeof globalThis.fetch,
    policy: createPolicy({ server: 'https://mcp.example.com/mcp' }),
    now: () => 0,
    emit: (event: OAuthEvent) => void events.push(event),
  }
  const look = (more: { signal?: AbortSignal; timeoutMs?: number; url?: string } = {}) =>
    lookAtAuthorizationPage(context, {
      clientId: 'client-1',
      redirectUri: 'http://127.0.0.1:1/callback',
      state: 's',
      issuer: 'https://as.example.com',
      issRequired: false,
      ...more,
      url: new URL(more.url ?? URL_OF_PAGE),
    })
  return { look, requests, events }
}

const DEAD = '{"message":"Unrecognized client_id"}'

describe('a look at the authorization page', () => {
  it('field R3: tells a client that the server forgot', async () => {
    const { look } = world(() => new Response(DEAD, { status: 422 }))
    expect(await look()).toEqual({ refused: 'client', text: 'Unrecognized client_id' })
  })

  it('is one GET without cookies that follows no redirect', async () => {
    const { look, requests } = world(() => Response.redirect('https://as.example.com/login', 302))
    expect(await look()).toBeUndefined()
    expect(
      requests.map(({ method, redirect, credentials, body }) => ({ method, redirect, credentials, body })),
    ).toEqual([{ method: 'GET', redirect: 'manual', credentials: 'omit', body: null }])
  })

  it('is told as an event, without the query', async () => {
    const { look, events } = world(() => new Response(DEAD, { status: 422 }))
    await look()
    expect(events).toEqual([
      {
        type: 'http',
        step: 'authorization page',
        method: 'GET',
        url: 'https://as.example.com/authorize?…',
        status: 422,
        durationMs: 0,
      },
    ])
  })

  it('says nothing when the server is down', async () => {
    const { look } = world(() => Promise.reject(new TypeError('fetch failed')))
    expect(await look()).toBeUndefined()
  })

  it('does not wait for a silent server, whether or not fetch heeds its signal', async () => {
    const { look, requests } = world(() => new Promise(() => undefined))
    expect(await look({ timeoutMs: 5 })).toBeUndefined()
    expect(requests[0]?.signal.aborted).toBe(true)
  })

  it('does not wait for a body that never ends', async () => {
    const { look } = world(() => new Response(new ReadableStream({}), { status: 400 }))
    expect(await look({ timeoutMs: 5 })).toBeUndefined()
  })

  it('reads no more of a huge page than its start, and stops the transfer', async () => {
    let [sent, cancelled] = [0, false]
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1_024
        controller.enqueue(
          new TextEncoder().encode(sent === 1_024 ? 'Client not found '.padEnd(1_024) : 'x'.repeat(1_024)),
        )
      },
      cancel() {
        cancelled = true
      },
    })
    const { look } = world(() => new Response(endless, { status: 400 }))
    expect((await look())?.refused).toBe('client')
    expect([cancelled, sent < 80_000]).toEqual([true, true])
  })

  it('leaves no body of a login page under way', async () => {
    let cancelled = false
    const body = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    const { look } = world(() => new Response(body, { status: 200 }))
    expect(await look()).toBeUndefined()
    expect(cancelled).toBe(true)
  })

  it('ends when its caller gives up', async () => {
    const controller = new AbortController()
    const { look, requests } = world(() => new Promise(() => undefined))
    const looking = look({ signal: controller.signal })
    controller.abort()
    expect(await looking).toBeUndefined()
    await look({ signal: controller.signal })
    expect(requests.length).toBeLessThan(2)
  })

  it('goes nowhere that the policy refuses', async () => {
    const { look, requests } = world(() => new Response(DEAD, { status: 422 }))
    expect(await look({ url: 'https://10.0.0.1/authorize' })).toBeUndefined()
    expect(requests).toEqual([])
  })
})

it('a client is proven for ten minutes after tokens were given to it, whichever way the clock is set', () => {
  const now = 1_800_000_000_000
  expect([undefined, now, now - 599_999, now + 599_999].map(at => isProven(at, now))).toEqual([false, true, true, true])
  expect([now - 600_000, now + 600_000].map(at => isProven(at, now))).toEqual([false, false])
})
