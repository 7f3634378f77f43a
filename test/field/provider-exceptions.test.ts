import { describe, expect, it } from 'vitest'
import type { IssuerException } from '../../src/oauth/issuer-exceptions.ts'
import { ISSUER, json, SERVER, World } from '../oauth/world.ts'
import { createLife, failureOf } from './life.ts'

const exceptions = (more: Partial<IssuerException>): { issuerExceptions: readonly IssuerException[] } => ({
  issuerExceptions: [{ issuer: ISSUER, reason: 'a provider of its own kind', since: '2026-11-21', ...more }],
})

/** Logs in and refreshes, and resolves to the value of `name` in the authorization request and both token requests. */
async function everywhere(world: World, options: Parameters<World['client']>[0], name: string) {
  const { fetch } = world.client(options)
  expect((await fetch(SERVER)).status).toBe(200)
  world.revokeAccessTokens()
  expect((await fetch(SERVER)).status).toBe(200)
  expect(world.refreshes).toHaveLength(1)
  return [
    world.authorizations[0]?.url.searchParams.getAll(name),
    ...world.tokenRequests.map(({ form }) => form.getAll(name)),
  ]
}

function worldWithScopes(...scopes: readonly string[]): World {
  const world = new World()
  world.resourceMetadata = { ...world.resourceMetadata, scopes_supported: scopes }
  return world
}

describe('field cases: providers that read resource in their own way', () => {
  const matching = exceptions({ resource: 'when-scopes-match' })

  it('field A11: with scopes of the resource it is sent everywhere', async () => {
    const world = worldWithScopes(`${SERVER}/read`, 'offline_access')
    expect(await everywhere(world, matching, 'resource')).toEqual([[SERVER], [SERVER], [SERVER]])
  })

  it('field A11: with a scope of another resource it is sent nowhere', async () => {
    const world = worldWithScopes(`${SERVER}/read`, 'api://a1b2/mcp.read')
    expect(await everywhere(world, matching, 'resource')).toEqual([[], [], []])
  })

  it('field A11: the refresh after a restart sends what the login sent, whatever is published by then', async () => {
    const world = worldWithScopes('api://a1b2/mcp.read')
    await world.client(matching).fetch(SERVER)
    world.resourceMetadata = { ...world.resourceMetadata, scopes_supported: [`${SERVER}/read`] }
    world.revokeAccessTokens()
    expect((await world.client(matching).fetch(SERVER)).status).toBe(200)
    expect(world.refreshes.map(({ form }) => form.has('resource'))).toEqual([false])
  })

  it('field A15: as audience, in every request alike', async () => {
    const options = exceptions({ resource: 'audience' })
    expect(await everywhere(new World(), options, 'audience')).toEqual([[SERVER], [SERVER], [SERVER]])
    expect(await everywhere(new World(), options, 'resource')).toEqual([[], [], []])
  })

  it('field A15: as audience in a pushed request, too', async () => {
    const world = new World()
    world.serverMetadata = { pushed_authorization_request_endpoint: `${ISSUER}/par` }
    world.routes.set(`POST ${ISSUER}/par`, () => json({ request_uri: 'urn:x:1', expires_in: 600 }, 201))
    await world
      .client(exceptions({ resource: 'audience' }))
      .session.beginLogin({ redirectUri: 'http://127.0.0.1:1/cb' })
    const { form } = world.to(`POST ${ISSUER}/par`)[0] ?? { form: new URLSearchParams() }
    expect([form.get('audience'), form.get('resource')]).toEqual([SERVER, null])
  })

  it('field A15: an audience that was set by hand stays', async () => {
    const options = exceptions({
      resource: 'audience',
      authorizationParameters: { audience: 'https://api.example.com' },
      tokenParameters: { audience: 'https://api.example.com' },
    })
    const sent = await everywhere(new World(), options, 'audience')
    expect(new Set(sent.flat())).toEqual(new Set(['https://api.example.com']))
  })

  it('R-EXC-1 the value of an exception in its place', async () => {
    const options = exceptions({ resource: 'urn:api:one' })
    expect(await everywhere(new World(), options, 'resource')).toEqual([
      ['urn:api:one'],
      ['urn:api:one'],
      ['urn:api:one'],
    ])
  })
})

describe('field cases: tokens that nobody but their issuer can read', () => {
  const ENCRYPTED = 'eyJhbGciOiJkaXIifQ..aXYtb2YtaXQ.Y2lwaGVydGV4dA.dGFnLW9mLWl0'

  it('field A15: an encrypted token is told at the login, and named where it is rejected, never shown', async () => {
    const world = new World()
    world.tokenResponse = { access_token: ENCRYPTED, expires_in: 3600 }
    const error = await failureOf(world.client().fetch(SERVER))
    expect(error).toMatchObject({
      code: 'fresh_token_rejected',
      detail: { hint: expect.stringMatching(/encrypted.*Resource Parameter Compatibility Profile.*audience/) },
    })
    expect(world.events).toContainEqual({ type: 'warning', message: expect.stringContaining('encrypted') })
    expect(JSON.stringify([error.message, error.detail, world.events])).not.toContain('Y2lwaGVydGV4dA')
  })

  it('field A15: a token of any other shape is nobody’s business', async () => {
    const world = new World()
    await world.client().fetch(SERVER)
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([])
  })
})

describe('field cases: what providers say', () => {
  it('field S12: a scope that Entra looks for at Graph is suggested in its qualified form', async () => {
    const world = new World()
    const text =
      "AADSTS650053: The application 'app' asked for scope 'mcp.read' that doesn't exist on the resource 'x'."
    world.consent = () => ({ error: 'invalid_resource', error_description: text })
    const { detail } = await failureOf(world.client().session.login({ scope: 'mcp.read' }))
    expect([detail.oauthErrorDescription, detail.hint]).toEqual([
      text,
      expect.stringContaining('api://<application id>/mcp.read'),
    ])
  })

  it('field A11: the same at the token endpoint', async () => {
    const world = new World()
    const answer = { error: 'invalid_target', error_description: 'AADSTS9010010: resource does not match the scopes' }
    world.routes.set(`POST ${ISSUER}/token`, () => json(answer, 400))
    const { detail } = await failureOf(world.client().session.login())
    expect(detail.hint).toContain('resource: "omit"')
  })
})

describe('field cases: where the browser comes back', () => {
  it('field A1: the host that a provider takes is handed to whoever listens, and announced', async () => {
    const life = createLife()
    const issuerExceptions = [
      { issuer: life.server.issuer, redirectHost: 'localhost', reason: 'takes localhost only', since: '2026-11-21' },
    ] as const
    const [client, other] = [life.client({ issuerExceptions }), life.client()]
    await client.session.login()
    await other.session.login({ force: true })
    expect([client, other].map(({ person }) => person.preparations[0]?.redirectHost)).toEqual(['localhost', undefined])
    expect(life.issues('exception')).toEqual([
      expect.objectContaining({ exception: 'takes localhost only', source: 'configuration' }),
    ])
  })
})

describe('field cases: metadata that cannot be read', () => {
  const given = {
    authorization_endpoint: `${ISSUER}/authorize`,
    token_endpoint: `${ISSUER}/token`,
    registration_endpoint: `${ISSUER}/register`,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  }
  function hidden(): World {
    const world = new World()
    world.routes.set(`GET ${ISSUER}/.well-known/oauth-authorization-server`, () => json({}, 200))
    return world
  }

  it('field D14: is given with the exception, and used at login and at the refresh after a restart; nothing is fetched', async () => {
    const world = hidden()
    const options = exceptions({ metadata: given })
    expect((await world.client(options).fetch(SERVER)).status).toBe(200)
    world.revokeAccessTokens()
    expect((await world.client(options).fetch(SERVER)).status).toBe(200)
    expect(world.refreshes).toHaveLength(1)
    expect(world.seen.filter(({ url }) => url.origin === ISSUER && url.pathname.startsWith('/.well-known'))).toEqual([])
  })

  it.each([
    ['no token endpoint', { authorization_endpoint: `${ISSUER}/authorize` }, 'configuration'],
    ['no S256', { ...given, code_challenge_methods_supported: undefined }, 'pkce_unsupported'],
    ['an endpoint without TLS', { ...given, token_endpoint: 'http://as.example.com/token' }, 'url_refused'],
    ['another issuer', { ...given, issuer: 'https://other.example.com' }, 'issuer_mismatch'],
  ])('field D14: with %s it is judged like one that was fetched', async (_, metadata, code) => {
    const world = hidden()
    expect(await failureOf(world.client(exceptions({ metadata })).session.login())).toMatchObject({ code })
    expect(world.authorizations).toEqual([])
  })
})
