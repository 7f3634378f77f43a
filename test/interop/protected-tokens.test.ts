import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Leg } from '../../demo/src/leg.ts'
import { listenRecorded } from '../../demo/src/recorded-server.ts'
import { connect } from '../../src/client.ts'
import { serve, toNodeHandler } from '../../src/node.ts'
import { clientCredentials, createOAuthSession, withOAuth } from '../../src/oauth.ts'
import { parseChallenges } from '../../src/oauth/protocol/challenge.ts'
import { jwtVerifier, protect, type ProtectOptions, withDpop } from '../../src/resource-server.ts'
import { createServer, tasks } from '../../src/server.ts'
import { ROBOT, startTokenIssuer, type TokenIssuer } from './token-issuer.ts'

const RESOURCE = 'https://notes.example.com/mcp'

let issuer: TokenIssuer
beforeAll(async () => {
  issuer = await startTokenIssuer()
})
afterAll(async () => {
  await issuer[Symbol.asyncDispose]()
})

let ran: string[]
beforeEach(() => {
  ran = []
})

/** Signed by oidc-provider; only what it says of subject and scope is ours. */
const tokenOf = (sub: string, scope: string, resource = RESOURCE): Promise<string> =>
  issuer.token(resource, { claims: { sub, scope } })

async function start(options: Partial<ProtectOptions> = {}) {
  const server = createServer({ name: 'notes', version: '1.0.0', extensions: [tasks()] })
  const run = (name: string) => (): string => {
    ran.push(name)
    return name
  }
  server.tool('read', { scopes: ['notes:read'] }, run('read'))
  server.tool('write', { scopes: ['notes:read', 'notes:write'] }, run('write'))
  server.tool('open', {}, run('open'))
  server.tool('long', { scopes: ['notes:write'] }, (_args, ctx) =>
    ctx.task(async task => {
      await new Promise(resolve => task.signal.addEventListener('abort', resolve, { once: true }))
      return 'stopped'
    }),
  )
  const running = await serve(
    protect(server, {
      resource: RESOURCE,
      authorizationServers: [issuer.issuer],
      verify: jwtVerifier({ issuer: issuer.issuer }),
      selfCheck: false,
      ...options,
    }),
  )
  const as = async (token?: string, revision: '2026-07-28' | '2025-11-25' = '2026-07-28') =>
    connect(running.url, { revision, ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) })
  return { url: running.url, as, [Symbol.asyncDispose]: () => running.close() }
}

/** Whether a call was refused for want of scopes, and which were named. */
async function refusal(work: Promise<unknown>): Promise<readonly [number | undefined, string | undefined]> {
  const error = (await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  )) as { detail?: { status?: number; challenge?: { scope?: string } } }
  return [error.detail?.status, error.detail?.challenge?.scope]
}

describe.each(['2026-07-28', '2025-11-25'] as const)(
  'tokens of oidc-provider before a protected server: %s',
  revision => {
    it('a call that needs more than was granted is refused with all that it needs', async () => {
      await using world = await start()
      const client = await world.as(await tokenOf('ada', 'notes:read'), revision)
      expect((await client.callTool('read')).content).toEqual([{ type: 'text', text: 'read' }])
      expect(await refusal(client.callTool('write'))).toEqual([403, 'notes:read notes:write'])
      expect(ran).toEqual(['read'])
      await client.close()
    })

    it('a hierarchy lets a broader scope do', async () => {
      await using world = await start({
        scopeHierarchy: granted => (granted.includes('notes:admin') ? ['notes:read', 'notes:write'] : []),
        filterLists: true,
      })
      const client = await world.as(await tokenOf('ada', 'notes:admin'), revision)
      expect((await client.callTool('write')).content).toEqual([{ type: 'text', text: 'write' }])
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['read', 'write', 'open', 'long'])
      await client.close()
    })

    it('lists show to each what it may use', async () => {
      await using world = await start({ filterLists: true })
      for (const [scope, names] of [
        ['other', ['open']],
        ['notes:read', ['read', 'open']],
      ] as const) {
        const client = await world.as(await tokenOf('ada', scope), revision)
        expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(names)
        await client.close()
      }
    })

    it('field V6: a token for another server is refused', async () => {
      await using world = await start()
      const token = await tokenOf('ada', 'notes:read', 'https://other.example.com/mcp')
      expect((await refusal(world.as(token, revision)))[0]).toBe(401)
    })

    it('field V18: anonymous clients may do what needs nothing, and are challenged for the rest', async () => {
      await using world = await start({ optional: true })
      const client = await world.as(undefined, revision)
      expect((await client.callTool('open')).content).toEqual([{ type: 'text', text: 'open' }])
      expect(await refusal(client.callTool('write'))).toEqual([401, 'notes:read notes:write'])
      expect(ran).toEqual(['open'])
      await client.close()
    })
  },
)

it('a task is of no use to another principal, the same person with another client included', async () => {
  await using world = await start()
  const [ada, bob, elsewhere] = await Promise.all([
    world.as(await tokenOf('ada', 'notes:write')),
    world.as(await tokenOf('bob', 'notes:write')),
    world.as(await issuer.token(RESOURCE, { claims: { sub: 'ada', client_id: 'another', scope: 'notes:write' } })),
  ])
  const begun = await ada.startTool('long')
  if (!('task' in begun)) throw new Error('no task was started')
  const { taskId } = begun.task
  for (const stranger of [bob, elsewhere]) {
    const seen = stranger.task(taskId)
    await expect(seen.status()).rejects.toMatchObject({ code: -32602 })
    await expect(seen.cancel()).rejects.toMatchObject({ code: -32602 })
  }
  expect((await ada.task(taskId).status()).status).toBe('working')
  // A new token of the same principal will do.
  const again = await world.as(await tokenOf('ada', 'notes:write'))
  await again.task(taskId).cancel()
  await Promise.all([ada, bob, elsewhere, again].map(client => client.close()))
})

it('a session is of no use to another principal', async () => {
  await using world = await start()
  const send = (token: string, body: object, session?: string) =>
    fetch(world.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        ...(session !== undefined && { 'mcp-session-id': session }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
    })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const opened = await send(await tokenOf('ada', 'notes:read'), { method: 'initialize', params })
  const session = opened.headers.get('mcp-session-id')!
  const call = { method: 'tools/call', params: { name: 'read' } }
  expect((await send(await tokenOf('bob', 'notes:read'), call, session)).status).toBe(404)
  expect(ran).toEqual([])
  expect((await send(await tokenOf('ada', 'notes:read'), call, session)).status).toBe(200)
})

it('two Authorization headers are refused, though Node shows only the first', async () => {
  await using world = await start()
  const { request } = await import('node:http')
  const token = await tokenOf('ada', 'notes:read')
  const [status, challenge] = await new Promise<readonly [number | undefined, string | undefined]>(
    (resolve, reject) => {
      const sent = request(world.url, {
        method: 'POST',
        headers: ['host', new URL(world.url).host, 'authorization', `Bearer ${token}`, 'authorization', 'Bearer other'],
      })
      sent.on('error', reject)
      sent.on('response', response => {
        response.resume()
        resolve([response.statusCode, response.headers['www-authenticate']])
      })
      sent.end()
    },
  )
  expect([status, parseChallenges(challenge)[0]?.parameters['error']]).toEqual([400, 'invalid_request'])
})

it('a client of ours proves possession for every request, nonces included, without being told', async () => {
  const legs: Leg[] = []
  const notes = createServer({ name: 'notes', version: '1.0.0' })
  notes.tool('read', {}, (_args, { auth }) => Object.keys(auth?.claims['cnf'] ?? {}).join())
  const running = await listenRecorded(
    'notes server',
    origin => {
      const verify = withDpop(jwtVerifier({ issuer: issuer.issuer }), { required: true, nonces: 'required' })
      const options = {
        resource: `${origin}/mcp`,
        authorizationServers: [issuer.issuer],
        verify,
        scopes: ['notes:read'],
      }
      return toNodeHandler(protect(notes, options))
    },
    { record: leg => void legs.push(leg) },
  )
  const server = `${running.url}/mcp`
  await using session = createOAuthSession({ server, grant: clientCredentials(ROBOT) })
  const client = await connect(server, { fetch: withOAuth(fetch, session) })
  for (let call = 0; call < 3; call += 1)
    expect((await client.callTool('read')).content).toEqual([{ type: 'text', text: 'jkt' }])
  const calls = legs.filter(leg => leg.requestHeaders.has('authorization'))
  expect(new Set(calls.map(leg => leg.requestHeaders.get('dpop'))).size).toBe(calls.length)
  expect(calls.map(leg => leg.requestHeaders.get('authorization')?.split(' ')[0])).not.toContain('Bearer')
  // Only an answer to a proof gives a client a nonce; afterwards every answer brings the next.
  expect(calls.map(leg => leg.status)).toEqual([401, ...calls.slice(1).map(() => 200)])
  await client.close()
  await running.close()
})
