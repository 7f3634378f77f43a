import { describe, expect, it } from 'vitest'
import { callTool, createTestGuard, openSession, send, sendStateless, startWorld, stateless } from './http-world.ts'

const origin = 'https://app.example.com'
const options = { allowedOrigins: [origin] }

describe('field V4: pages of permitted origins', () => {
  it('are answered a preflight before a token is asked for', async () => {
    const world = await startWorld(undefined, { ...options, guard: createTestGuard() })
    const wanted =
      'Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, mcp-name, Mcp-Param-Region, last-event-id, X-Evil, traceparent'
    const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': wanted }
    const reply = await send(world, { method: 'OPTIONS', headers })
    expect(reply.status).toBe(204)
    expect(reply.headers['access-control-allow-origin']).toBe(origin)
    expect(reply.headers.vary).toBe('Origin')
    expect(reply.headers['access-control-allow-credentials']).toBeUndefined()
    expect(reply.headers['access-control-allow-headers']).toBe(
      'authorization, content-type, mcp-protocol-version, mcp-method, mcp-name, mcp-param-region, last-event-id, traceparent',
    )
    expect(reply.headers['access-control-allow-methods']).toContain('DELETE')
  })

  it('may read what an answer says in its headers', async () => {
    const world = await startWorld(undefined, options)
    const reply = await callTool(world, 'echo', {}, { headers: { origin } })
    expect(reply.status).toBe(200)
    expect(reply.headers['access-control-expose-headers']).toMatch(/mcp-session-id.*www-authenticate/)
  })

  it('may read errors too, so that they know what to do', async () => {
    const world = await startWorld(undefined, {
      ...options,
      guard: createTestGuard({
        authorize: () => {
          throw new Error('broken')
        },
      }),
    })
    const token = { origin, authorization: 'Bearer alice' }
    const replies = {
      401: await callTool(world, 'echo', {}, { headers: { origin } }),
      404: await send(world, { path: '/other', headers: token }),
      405: await send(world, { method: 'PUT', headers: token }),
      415: await send(world, { headers: { ...token, 'content-type': 'text/plain' }, body: 'x' }),
      400: await send(world, { headers: token, body: '{' }),
      500: await callTool(world, 'echo', {}, { headers: token }),
    }
    for (const [status, reply] of Object.entries(replies)) {
      expect(reply.status).toBe(Number(status))
      expect(reply.headers['access-control-allow-origin'], status).toBe(origin)
    }
  })

  it('may read streams', async () => {
    const world = await startWorld(undefined, options)
    const reply = await sendStateless(world, stateless('subscriptions/listen', { notifications: {} }), {
      headers: { origin },
    })
    expect(reply.headers).toMatchObject({ 'content-type': 'text/event-stream', 'access-control-allow-origin': origin })
    reply.drop()
    const session = await openSession(world, '2025-11-25', { origin })
    const stream = await session.send({ method: 'GET' })
    expect(stream.headers['access-control-allow-origin']).toBe(origin)
    stream.drop()
  })
})

describe('pages of other origins', () => {
  it('are refused a preflight', async () => {
    const world = await startWorld(undefined, options)
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const reply = await send(world, { method: 'OPTIONS', headers })
    expect(reply.status).toBe(403)
    expect(reply.headers['access-control-allow-origin']).toBeUndefined()
  })
})

it('says nothing of CORS to clients that are no pages', async () => {
  const world = await startWorld(undefined, options)
  const reply = await callTool(world, 'echo')
  expect(Object.keys(reply.headers).filter(name => name.startsWith('access-control') || name === 'vary')).toEqual([])
  expect((await send(world, { method: 'OPTIONS' })).status).toBe(405)
})
