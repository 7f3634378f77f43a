import { afterEach, describe, expect, it } from 'vitest'
import { protect } from '../../src/resource-server.ts'
import { createServer } from '../../src/server.ts'
import {
  CANARY,
  challengeOf,
  createWorld,
  ISSUER,
  METADATA_URL,
  openSession,
  RESOURCE,
  sendHandshake,
  verifyPlain,
  type World,
} from './protected-world.ts'

const worlds: World[] = []
const open = (...options: Parameters<typeof createWorld>): World => {
  const world = createWorld(...options)
  worlds.push(world)
  return world
}
afterEach(async () => {
  await Promise.all(worlds.splice(0).map(world => world.app.close()))
})

describe('without a token', () => {
  it('a request is answered with 401, without `error`, naming metadata and the scopes that everything needs (RFC 6750 §3.1)', async () => {
    const world = open({ scopes: ['read', 'list'] })
    const response = await world.call('tools/list')
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toEqual({ scope: 'read list', resource_metadata: METADATA_URL })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(world.errors).toEqual([])
  })

  it('field S8: no scope is named where none is needed', async () => {
    expect(challengeOf(await open().call('tools/list'))).toEqual({ resource_metadata: METADATA_URL })
  })

  it.each(['GET', 'POST', 'DELETE'])('field V11: %s is refused', async method => {
    expect((await open().send({ method })).status).toBe(401)
  })

  it('credentials of another kind count as none', async () => {
    for (const authorization of ['Basic dXNlcjpwdw==', 'Bearer', 'Bearer ', 'Negotiate abc', 'BearerX abc']) {
      const response = await open().send({ method: 'POST', headers: { authorization } })
      expect([authorization, response.status, challengeOf(response)?.['error']]).toEqual([
        authorization,
        401,
        undefined,
      ])
    }
  })

  it('field V3: the body is not even read', async () => {
    const world = open()
    const body = new ReadableStream({ pull: () => Promise.reject(new Error('the body was read')) })
    const response = await world.send({ method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(401)
    expect(world.errors).toEqual([])
  })

  it('field V17: unknown paths are 404 and other methods 405, without a challenge', async () => {
    const world = open()
    const lost = await world.send({ method: 'POST', url: 'https://files.example.com/other' })
    expect([lost.status, lost.headers.get('www-authenticate')]).toEqual([404, null])
    expect((await world.send({ method: 'PUT' })).status).toBe(405)
  })
})

describe('a token', () => {
  it('is read from the header whatever the case of the scheme', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
      const world = open()
      const response = await world.send({
        method: 'POST',
        headers: { authorization: `${scheme} alice`, 'content-type': 'application/json' },
        body: '{}',
      })
      expect(response.status).toBe(400)
    }
  })

  it.each([
    ['two of them', { authorization: 'Bearer alice, Bearer bob' }],
    ['characters that no token has', { authorization: 'Bearer alice "x"' }],
    ['non-ASCII text', { authorization: 'Bearer ali\u00e7e' }],
    ['too long', { authorization: `Bearer ${'a'.repeat(16_385)}` }],
  ])('is refused with 400 invalid_request: %s', async (_name, headers) => {
    const world = open()
    const response = await world.send({ method: 'POST', headers })
    expect([response.status, challengeOf(response)?.['error']]).toEqual([400, 'invalid_request'])
    expect(world.errors).toHaveLength(1)
  })

  it.each(['?access_token=alice', '?a=1&access_token=alice|', '?ACCESS_TOKEN=x'])(
    'in the URL is refused, with a good one in the header as well: %s',
    async query => {
      const world = open()
      const response = await world.send({ method: 'POST', url: `${RESOURCE}${query}`, token: 'alice' })
      expect([response.status, challengeOf(response)?.['error']]).toEqual([400, 'invalid_request'])
    },
  )

  it('that is bad is answered with 401 invalid_token, in general words; the reason goes to onError', async () => {
    const world = open({ scopes: ['read'] })
    const response = await world.callTool('open', 'bad')
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toMatchObject({
      error: 'invalid_token',
      scope: 'read',
      resource_metadata: METADATA_URL,
    })
    expect(`${response.headers.get('www-authenticate')} ${await response.text()}`).not.toContain(CANARY)
    expect(world.errors).toMatchObject([{ code: 'expired', message: CANARY }])
  })

  it('that cannot be judged now is answered with 503 and Retry-After, never 401', async () => {
    const response = await open().callTool('open', 'unavailable')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '8'])
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.text()).not.toContain(CANARY)
  })

  it('whose verifier fails in a way of its own is answered with 500, never 401', async () => {
    const world = open()
    const response = await world.callTool('open', 'broken')
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([500, null])
    expect(await response.text()).not.toContain(CANARY)
    expect(world.errors).toMatchObject([{ message: CANARY }])
  })

  it.each([undefined, {}, { principal: '', scopes: [] }, { principal: 'a', scopes: 'read' }, { principal: 'a' }])(
    'whose verifier returns nothing usable lets nobody in: %j',
    async returned => {
      const world = open({ verify: (async () => returned) as never })
      expect((await world.callTool('open', 'alice')).status).toBe(500)
      expect(world.ran).toEqual([])
    },
  )

  it('whose client goes away while it is judged is judged no further, and nobody is told', async () => {
    const world = open({
      verify: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('gone')), { once: true })
        }),
    })
    const gone = new AbortController()
    const answer = world.send({ method: 'POST', token: 'alice', signal: gone.signal })
    gone.abort()
    expect((await answer).status).toBe(503)
    expect(world.errors).toEqual([])
  })

  it('under the DPoP scheme is refused where no proofs are checked', async () => {
    const world = open()
    const response = await world.send({ method: 'POST', headers: { authorization: 'DPoP alice' } })
    expect([response.status, challengeOf(response)?.['error']]).toEqual([401, 'invalid_token'])
    expect(world.errors).toMatchObject([{ code: 'binding_mismatch' }])
  })

  it('field V11: is verified for every request', async () => {
    const seen: string[] = []
    const world = open({
      verify: async presented => {
        seen.push(presented.request.method)
        return verifyPlain(presented)
      },
    })
    const session = await openSession(world, 'alice')
    const headers = { 'mcp-session-id': session, accept: 'text/event-stream' }
    const stream = await world.send({ method: 'GET', token: 'alice', headers })
    expect(stream.status).toBe(200)
    await stream.body?.cancel()
    expect((await world.send({ method: 'DELETE', headers })).status).toBe(401)
    expect((await world.send({ method: 'DELETE', token: 'bad', headers })).status).toBe(401)
    expect((await world.send({ method: 'DELETE', token: 'alice', headers })).status).toBe(204)
    expect(seen).toEqual(['POST', 'GET', 'DELETE', 'DELETE'])
  })

  it('is verified with the URL of the resource, whatever Host and path the request has', async () => {
    const seen: string[] = []
    const world = open({
      path: '/inner',
      verify: async presented => {
        seen.push(presented.request.url)
        return verifyPlain(presented)
      },
    })
    await world.send({ method: 'POST', url: 'http://10.0.0.7:8080/inner?x=1', token: 'alice' })
    expect(seen).toEqual([RESOURCE])
  })
})

describe('the audience', () => {
  const audienceOf = async (options: Parameters<typeof createWorld>[0]): Promise<readonly string[]> => {
    let seen: readonly string[] = []
    const world = open({
      ...options,
      verify: async presented => {
        seen = presented.audience
        return verifyPlain(presented)
      },
    })
    await world.send({ method: 'POST', url: options?.resource ?? RESOURCE, token: 'alice' })
    return seen
  }

  it('field V6: is the resource unless it is configured', async () => {
    expect(await audienceOf({})).toEqual([RESOURCE])
    expect(await audienceOf({ audience: 'api://files' })).toEqual(['api://files'])
    expect(await audienceOf({ audience: ['api://files', '8f2c'] })).toEqual(['api://files', '8f2c'])
  })

  it('of a resource without a path may be written with a slash and without', async () => {
    const both = ['https://files.example.com', 'https://files.example.com/']
    for (const resource of both) expect([...(await audienceOf({ resource }))].sort()).toEqual(both)
  })

  it('field V6: a token for another one is refused', async () => {
    expect((await open({ audience: 'api://files' }).callTool('open', 'alice|read|api')).status).toBe(401)
  })
})

describe('scopes', () => {
  it('field V19, S13: a call that needs more is answered with 403, naming all scopes that it needs and the metadata', async () => {
    const world = open({ scopes: ['list'] })
    const response = await world.callTool('write', 'alice|list+read')
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toEqual({
      error: 'insufficient_scope',
      error_description: expect.any(String) as string,
      scope: 'list read write',
      resource_metadata: METADATA_URL,
    })
    expect(world.ran).toEqual([])
    expect((await world.callTool('write', 'alice|list+read+write')).status).toBe(200)
    expect(world.ran).toEqual(['write'])
  })

  it('a token without what everything needs may do nothing, and learns at once what the call needs besides', async () => {
    const world = open({ scopes: ['list'] })
    const response = await world.callTool('write', 'alice')
    expect([response.status, challengeOf(response)?.['scope']]).toEqual([403, 'list read write'])
    expect((await world.callTool('open', 'alice|read')).status).toBe(403)
    expect((await world.call('server/discover', {}, 'alice')).status).toBe(403)
  })

  it('what everything needs is needed to begin a session, listen to it and end it', async () => {
    const world = open({ scopes: ['list'] })
    await expect(openSession(world, 'alice')).rejects.toThrow('403')
    const session = await openSession(world, 'alice|list')
    const headers = { 'mcp-session-id': session, accept: 'text/event-stream' }
    for (const method of ['GET', 'DELETE'])
      expect((await world.send({ method, token: 'alice', headers })).status).toBe(403)
  })

  it('field S2: what the token has and means something here is repeated, and nothing else', async () => {
    const response = await open().callTool('slow', 'alice|read+roles/admin+unknown')
    expect(challengeOf(response)?.['scope']).toBe('write read')
  })

  it('a function decides by the arguments', async () => {
    const world = open()
    const response = await world.callTool('path', 'alice|files:a', { path: 'b' })
    expect([response.status, challengeOf(response)?.['scope']]).toEqual([403, 'files:b'])
    expect((await world.callTool('path', 'alice|files', { path: 'b' })).status).toBe(403)
    expect(world.ran).toEqual([])
  })

  it('resources, templates, prompts and completions need theirs', async () => {
    const world = open()
    const needs = async (method: string, params: Record<string, unknown>): Promise<string | undefined> =>
      challengeOf(await world.call(method, params, 'alice'))?.['scope']
    expect(await needs('resources/read', { uri: 'notes://all' })).toBe('read')
    expect(await needs('resources/read', { uri: 'notes://7' })).toBe('write')
    expect(await needs('prompts/get', { name: 'summary' })).toBe('read')
    const argument = { name: 'id', value: '' }
    expect(await needs('completion/complete', { argument, ref: { type: 'ref/resource', uri: 'notes://{id}' } })).toBe(
      'write',
    )
    expect(await needs('completion/complete', { argument, ref: { type: 'ref/prompt', name: 'summary' } })).toBe('read')
    const notifications = { resourceSubscriptions: ['notes://all', 'notes://7'] }
    expect(await needs('subscriptions/listen', { notifications })).toBe('read write')
  })

  it('field V18: a batch is refused as a whole, naming what all its calls need', async () => {
    const world = open()
    const session = await openSession(world, 'alice')
    const call = (id: number, name: string, args = {}) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    })
    const batch = [call(1, 'open'), call(2, 'read'), call(3, 'path', { path: 'b' })]
    const response = await sendHandshake(world, batch, { token: 'alice', session })
    expect([response.status, challengeOf(response)?.['scope']]).toEqual([403, 'read files:b'])
    expect(world.ran).toEqual([])
  })

  it('are decided before anything streams', async () => {
    const world = open()
    const response = await world.callTool('slow', 'alice')
    expect([response.status, response.headers.get('content-type')]).toEqual([403, 'application/json'])
    const session = await openSession(world, 'alice')
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } }
    const old = await sendHandshake(world, message, { token: 'alice', session })
    expect([old.status, old.headers.get('content-type')]).toEqual([403, 'application/json'])
    expect(world.ran).toEqual([])
  })

  it('a hierarchy counts in what broader ones include', async () => {
    const world = open({
      scopes: ['list'],
      scopeHierarchy: granted => (granted.includes('admin') ? ['list', 'read', 'write'] : []),
      filterLists: true,
    })
    expect((await world.callTool('write', 'alice|admin')).status).toBe(200)
    expect((await world.callTool('write', 'alice|list')).status).toBe(403)
    expect(await namesFor(world, 'alice|admin')).toContain('write')
  })

  it('a hierarchy that throws lets nobody in', async () => {
    const world = open({
      scopeHierarchy: () => {
        throw new Error(CANARY)
      },
    })
    const response = await world.callTool('read', 'alice|read')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain(CANARY)
    expect(world.ran).toEqual([])
  })

  it('field S12: are asked for by the names that the authorization server knows', async () => {
    const world = open({
      scopes: ['read', 'login'],
      requestedScope: scope => (scope === 'login' ? undefined : `api://files/${scope}`),
    })
    expect(challengeOf(await world.call('tools/list'))?.['scope']).toBe('api://files/read')
    const stepUp = await world.callTool('write', 'alice|read+login')
    expect(challengeOf(stepUp)?.['scope']).toBe('api://files/read api://files/write')
  })
})

async function namesFor(world: World, token?: string, method = 'tools/list', member = 'tools'): Promise<string[]> {
  const response = await world.call(method, {}, token)
  const { result } = (await response.json()) as { result: Record<string, { name: string }[]> }
  return (result[member] ?? []).map(({ name }) => name)
}

describe('lists', () => {
  it('show everything unless they are filtered', async () => {
    expect(await namesFor(open(), 'alice')).toEqual(['open', 'read', 'write', 'path', 'slow'])
  })

  it('show what the caller may use, and what decides by its arguments', async () => {
    const world = open({ filterLists: true })
    expect(await namesFor(world, 'alice')).toEqual(['open', 'path'])
    expect(await namesFor(world, 'alice|read')).toEqual(['open', 'read', 'path'])
    expect(await namesFor(world, 'alice|read+write')).toEqual(['open', 'read', 'write', 'path', 'slow'])
    expect(await namesFor(world, 'alice', 'prompts/list', 'prompts')).toEqual([])
    expect(await namesFor(world, 'alice|read', 'prompts/list', 'prompts')).toEqual(['summary'])
    expect(await namesFor(world, 'alice', 'resources/list', 'resources')).toEqual([])
    expect(await namesFor(world, 'alice|read', 'resources/list', 'resources')).toEqual(['all'])
    expect(await namesFor(world, 'alice', 'resources/templates/list', 'resourceTemplates')).toEqual([])
    expect(await namesFor(world, 'alice|write', 'resources/templates/list', 'resourceTemplates')).toEqual(['one'])
  })
})

describe('names of the host', () => {
  it('a server on a loopback address is reached by the name of its resource, and by no other (DNS rebinding)', async () => {
    const { app } = open()
    const statusFor = async (host: string) => {
      const request = {
        method: 'POST',
        target: '/mcp',
        isLoopback: true,
        header: (name: string) => (name === 'host' ? host : undefined),
        readBody: async () => '',
        onDisconnect: () => () => undefined,
      }
      return (await app.handle(request)).status
    }
    expect(await statusFor('files.example.com')).toBe(401)
    expect(await statusFor('files.example.com:443')).toBe(401)
    expect(await statusFor('evil.example.com')).toBe(403)
  })
})

describe('field V18: where a token is optional', () => {
  it('calls that need nothing pass without one, and others are challenged for what they need', async () => {
    const world = open({ optional: true, filterLists: true })
    expect((await world.callTool('open')).status).toBe(200)
    expect(await namesFor(world)).toEqual(['open', 'path'])
    const response = await world.callTool('write')
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toEqual({ scope: 'read write', resource_metadata: METADATA_URL })
    expect(world.ran).toEqual(['open'])
    expect((await world.callTool('write', 'alice|read')).status).toBe(403)
    expect((await world.callTool('write', 'alice|read+write')).status).toBe(200)
  })

  it('a bad token is refused all the same, and so are credentials of another kind', async () => {
    const world = open({ optional: true })
    expect((await world.callTool('open', 'bad')).status).toBe(401)
    expect((await world.callTool('open', 'unavailable')).status).toBe(503)
    expect((await world.send({ method: 'POST', headers: { authorization: 'Basic eDp5' } })).status).toBe(401)
  })

  it('what everything needs counts for calls that need anything', async () => {
    const world = open({ optional: true, scopes: ['list'] })
    expect((await world.callTool('open')).status).toBe(200)
    expect((await world.callTool('open', 'alice')).status).toBe(200)
    expect(challengeOf(await world.callTool('read'))?.['scope']).toBe('list read')
    const filtered = open({ optional: true, scopes: ['list'], filterLists: true })
    expect(await namesFor(filtered, 'alice|read')).toEqual(['open', 'path'])
    expect(await namesFor(filtered, 'alice|list+read')).toEqual(['open', 'read', 'path'])
  })

  it('pages of other origins are kept out, since anonymous calls act', async () => {
    const headers = { origin: 'https://elsewhere.example.com' }
    expect((await open({ optional: true }).send({ method: 'POST', headers })).status).toBe(403)
  })

  it('a session that was begun without one goes on as that of whoever logs in, and of nobody else', async () => {
    const world = open({ optional: true })
    const session = await openSession(world)
    const call = (name: string, token?: string) =>
      sendHandshake(
        world,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } },
        { session, ...(token !== undefined && { token }) },
      )
    const stream = await world.send({
      method: 'GET',
      headers: { 'mcp-session-id': session, accept: 'text/event-stream', 'mcp-protocol-version': '2025-03-26' },
    })
    expect(stream.status).toBe(200)
    expect((await call('read')).status).toBe(401)
    expect((await call('read', 'alice|read')).status).toBe(200)
    // Whoever listened as nobody hears no more.
    expect(await stream.text()).not.toContain('data: {')
    expect((await call('open')).status).toBe(404)
    expect((await call('read', 'bob|read')).status).toBe(404)
    expect((await call('read', 'alice|read')).status).toBe(200)
  })
})

describe('what belongs to a principal', () => {
  it('a session is of no use to another', async () => {
    const world = open()
    const session = await openSession(world, 'alice')
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open' } }
    expect((await sendHandshake(world, message, { token: 'bob', session })).status).toBe(404)
    const headers = { 'mcp-session-id': session, accept: 'text/event-stream' }
    expect((await world.send({ method: 'GET', token: 'bob', headers })).status).toBe(404)
    expect((await world.send({ method: 'DELETE', token: 'bob', headers })).status).toBe(404)
    expect(world.ran).toEqual([])
    expect((await sendHandshake(world, message, { token: 'alice', session })).status).toBe(200)
  })
})

describe('pages', () => {
  const headers = { origin: 'https://app.example.com' }

  it('field V4: a preflight is answered before authentication', async () => {
    const response = await open().send({
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, dpop, mcp-protocol-version, mcp-method, mcp-session-id',
      },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(headers.origin)
    expect(response.headers.get('access-control-allow-headers')).toContain('authorization')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('field V4: of every origin may read challenges, refusals and answers', async () => {
    const world = open({ scopes: ['list'] })
    for (const [token, status] of [
      [undefined, 401],
      ['bad', 401],
      ['unavailable', 503],
      ['alice|list', 415],
    ] as const) {
      const response = await world.send({ method: 'POST', headers, ...(token && { token }) })
      expect([token, response.status, response.headers.get('access-control-allow-origin')]).toEqual([
        token,
        status,
        headers.origin,
      ])
      expect(response.headers.get('access-control-expose-headers')).toContain('www-authenticate')
    }
    expect((await world.send({ method: 'GET', headers, token: 'alice' })).status).toBe(403)
  })

  it('of other origins than those allowed are kept out, but for the metadata', async () => {
    const world = open({ allowedOrigins: ['https://ours.example.com'] })
    expect((await world.send({ method: 'POST', headers, token: 'alice' })).status).toBe(403)
    expect((await world.send({ url: METADATA_URL, headers })).status).toBe(200)
  })
})

describe('options', () => {
  const server = createServer({ name: 'files', version: '1.0.0' })
  const make = (options: Record<string, unknown>) => () =>
    protect(server, {
      resource: RESOURCE,
      authorizationServers: [ISSUER],
      verify: verifyPlain,
      ...options,
    })

  it.each([
    ['field V13: one that is unknown', { audiences: ['x'] }, 'audiences'],
    ['plain http', { resource: 'http://files.example.com/mcp' }, 'resource'],
    ['a resource with a fragment', { resource: `${RESOURCE}#top` }, 'resource'],
    ['a resource with a password', { resource: 'https://a:b@files.example.com' }, 'resource'],
    ['a resource that is a path', { resource: '/mcp' }, 'resource'],
    ['no resource', { resource: undefined }, 'resource'],
    ['no authorization server', { authorizationServers: [] }, 'authorizationServers'],
    ['an issuer by plain http', { authorizationServers: ['http://as.example.com'] }, 'authorizationServers'],
    ['an issuer with a query', { authorizationServers: ['https://as.example.com?x'] }, 'authorizationServers'],
    ['an issuer that is no list', { authorizationServers: ISSUER }, 'authorizationServers'],
    ['no verifier', { verify: undefined }, 'verify'],
    ['no audience', { audience: [] }, 'audience'],
    ['an empty audience', { audience: [''] }, 'audience'],
    ['an empty audience as text', { audience: '' }, 'audience'],
    ['scopes in one text', { scopes: 'read write' }, 'scopes'],
    ['two scopes in one', { scopes: ['read write'] }, 'scopes'],
    ['offline_access', { scopes: ['offline_access'] }, 'scopes'],
    ['offline_access as supported', { scopesSupported: ['offline_access'] }, 'scopesSupported'],
  ])('are refused at the start: %s', (_name, options, named) => {
    expect(make(options)).toThrow(
      expect.objectContaining({ code: 'configuration', message: expect.stringContaining(named) as string }),
    )
  })

  it('a loopback resource may do without https', () => {
    for (const resource of ['http://localhost:3000/mcp', 'http://127.0.0.1/mcp', 'http://[::1]:80/'])
      expect(make({ resource })).not.toThrow()
  })
})
