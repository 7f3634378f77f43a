import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { OAuthError } from '../../src/oauth/errors.ts'
import {
  identityAssertion,
  type IdentityAssertionOptions,
  type IdentityProvider,
} from '../../src/oauth/flows/identity-assertion.ts'
import { ISSUER, json, OTHER_ISSUER, SERVER, World } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const IDP = 'https://login.example.com'
const EXCHANGE = `POST ${IDP}/oauth2/token`
const KEY = { server: SERVER, profile: 'default' }
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
const CLIENT = { clientId: 'notes-app', clientSecret: 'notes-secret' }

/** A world with an identity provider that asserts identities. */
function enterprise(
  options: Partial<IdentityAssertionOptions> = {},
  provider: Partial<IdentityProvider> = {},
  world = new World(),
) {
  world.givesRefreshToken = false
  world.routes.set(`GET ${IDP}/.well-known/oauth-authorization-server`, () =>
    json({
      issuer: IDP,
      token_endpoint: `${IDP}/oauth2/token`,
      authorization_endpoint: `${IDP}/authorize`,
      response_types_supported: ['code'],
    }),
  )
  const answer: Record<string, unknown> = {
    issued_token_type: ID_JAG,
    access_token: 'identity-assertion',
    token_type: 'N_A',
    expires_in: 300,
  }
  world.routes.set(EXCHANGE, () => json(answer))
  const grant = identityAssertion({
    client: CLIENT,
    identityProvider: {
      issuer: IDP,
      client: { clientId: 'idp-app', clientSecret: 'idp-secret' },
      idToken: 'id-token-of-ada',
      ...provider,
    },
    ...options,
  })
  return { world, answer, grant, ...world.client({ grant }) }
}

const formOf = (world: World, route: string, index = 0) => Object.fromEntries(world.to(route)[index]!.form)
const posts = (world: World) => world.seen.filter(({ method }) => method === 'POST')

describe('the two legs of an identity assertion', () => {
  it('R-IDJAG-1 the exchange at the identity provider: audience is the issuer of the resource, which is named verbatim', async () => {
    const { world, fetch } = enterprise()
    world.resourceMetadata = {
      ...world.resourceMetadata,
      resource: 'https://mcp.example.com',
      scopes_supported: ['files'],
    }
    expect((await fetch(SERVER)).status).toBe(200)
    expect(formOf(world, EXCHANGE)).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: ID_JAG,
      audience: ISSUER,
      resource: 'https://mcp.example.com',
      scope: 'files',
      subject_token: 'id-token-of-ada',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    })
    expect(world.to(EXCHANGE)[0]!.headers.get('authorization')).toBe(`Basic ${btoa('idp-app:idp-secret')}`)
  })

  it('R-IDJAG-1 the assertion at the authorization server, with client authentication', async () => {
    const { world, fetch } = enterprise()
    await fetch(SERVER)
    expect(formOf(world, TOKEN)).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'identity-assertion',
      resource: SERVER,
    })
    expect(world.tokenRequests[0]!.headers.get('authorization')).toBe(`Basic ${btoa('notes-app:notes-secret')}`)
    expect(world.authorizations).toHaveLength(0)
  })

  it('R-SCOPE-5 neither leg sees offline_access', async () => {
    const { world, fetch } = enterprise({ scope: 'files offline_access' })
    world.serverMetadata = { scopes_supported: ['files', 'offline_access'] }
    await fetch(SERVER)
    expect([formOf(world, EXCHANGE)['scope'], formOf(world, TOKEN)['scope']]).toEqual(['files', 'files'])
  })

  it('R-IDJAG-1 a public client at the identity provider names itself', async () => {
    const { world, fetch } = enterprise({}, { client: { clientId: 'idp-app' } })
    await fetch(SERVER)
    expect(formOf(world, EXCHANGE)).toMatchObject({ client_id: 'idp-app' })
  })

  it('R-IDJAG-1 a token endpoint that is configured is used without reading metadata', async () => {
    const { world, fetch } = enterprise({}, { tokenEndpoint: `${IDP}/oauth2/token` })
    world.routes.delete(`GET ${IDP}/.well-known/oauth-authorization-server`)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.seen.filter(({ url }) => url.origin === IDP).map(({ method }) => method)).toEqual(['POST'])
  })

  it('R-IDJAG-1 20 concurrent calls: one exchange, one token request; the ID token is asked for anew each time', async () => {
    let asked = 0
    const { world, fetch } = enterprise({}, { idToken: () => `id-token-${++asked}` })
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect([asked, world.count(EXCHANGE), world.count(TOKEN)]).toEqual([1, 1, 1])
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(formOf(world, EXCHANGE, 1)['subject_token']).toBe('id-token-2')
  })

  it('R-IDJAG-1 another token is obtained before the first ends; a provider that is down breaks no call', async () => {
    const { world, fetch } = enterprise()
    await fetch(SERVER)
    world.now += 3_590_000
    const honest = world.routes.get(EXCHANGE)!
    world.routes.set(EXCHANGE, () => new Response('', { status: 503 }))
    for (let call = 0; call < 5; call++) expect((await fetch(SERVER)).status).toBe(200)
    expect(world.count(EXCHANGE)).toBe(2)
    world.routes.set(EXCHANGE, honest)
    world.now += 5_000
    await fetch(SERVER)
    expect(world.to(`GET ${SERVER}`).at(-1)!.headers.get('authorization')).toBe('Bearer access-2')
  })
})

describe('what an identity provider may answer', () => {
  it.each<[string, Record<string, unknown>]>([
    ['another issued_token_type', { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }],
    ['no issued_token_type', { issued_token_type: undefined }],
    ['the token type Bearer', { token_type: 'Bearer' }],
    ['no token type', { token_type: undefined }],
    ['no token', { access_token: undefined }],
  ])('R-IDJAG-1 with %s, nothing goes to the authorization server', async (_, members) => {
    const { world, answer, fetch } = enterprise()
    Object.assign(answer, members)
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'token_response_invalid',
      detail: { step: 'token exchange', expected: expect.stringContaining('N_A') as string },
    })
    expect(world.count(TOKEN)).toBe(0)
  })

  it('R-IDJAG-1 the token type in any case', async () => {
    const { answer, fetch } = enterprise()
    answer['token_type'] = 'n_a'
    expect((await fetch(SERVER)).status).toBe(200)
  })

  it('R-IDJAG-1 its refusal is shown, without the token that it repeats', async () => {
    const { world, fetch } = enterprise({}, { idToken: 'canary-id-token' })
    world.routes.set(EXCHANGE, ({ form }) =>
      json({ error: 'access_denied', error_description: `Ada may not: ${form.get('subject_token')}` }, 400),
    )
    const error = await fetch(SERVER).catch((thrown: unknown) => thrown as OAuthError)
    expect(error).toMatchObject({
      code: 'token_refused',
      detail: { step: 'token exchange', oauthError: 'access_denied', url: `${IDP}/oauth2/token` },
    })
    expect((error as OAuthError).message).toContain('Ada may not: [redacted]')
    expect(world.count(TOKEN)).toBe(0)
  })

  it('R-IDJAG-1 a provider that is down is a retryable error', async () => {
    const { world, fetch } = enterprise()
    world.routes.set(EXCHANGE, () => new Response('', { status: 503 }))
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_unavailable', retryable: true })
  })

  it('R-IDJAG-1 a provider that redirects the ID token elsewhere is refused', async () => {
    const { world, fetch } = enterprise()
    const location = 'https://evil.example.com/token'
    world.routes.set(EXCHANGE, () => new Response('', { status: 307, headers: { location } }))
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'redirect_refused' })
    expect(world.seen.some(({ url }) => url.host === 'evil.example.com')).toBe(false)
  })

  it('R-IDJAG-1 an assertion that the authorization server refuses: one try of each leg, no registration', async () => {
    const { world, fetch } = enterprise()
    world.routes.set(TOKEN, () => json({ error: 'invalid_grant' }, 400))
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'token_refused',
      detail: { oauthError: 'invalid_grant' },
    })
    await expect(fetch(SERVER)).rejects.toThrow()
    expect([world.count(EXCHANGE), world.count(TOKEN), world.count(`POST ${ISSUER}/register`)]).toEqual([1, 1, 0])
  })
})

describe('for whom an assertion is asked', () => {
  it('R-IDJAG-1 a server that names another than the pinned issuer: nothing is sent to anybody', async () => {
    let asked = 0
    const { world, fetch } = enterprise({ issuer: ISSUER }, { idToken: () => `id-token-${++asked}` })
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect([posts(world).length, asked]).toEqual([0, 0])
    expect(world.seen.filter(({ url }) => url.origin === IDP)).toEqual([])
  })

  it('R-IDJAG-1 the pinned issuer among several', async () => {
    const { world, fetch } = enterprise({ issuer: ISSUER })
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER, ISSUER] }
    expect((await fetch(SERVER)).status).toBe(200)
    expect(formOf(world, EXCHANGE)['audience']).toBe(ISSUER)
    expect(world.count(`POST ${OTHER_ISSUER}/token`)).toBe(0)
  })

  it.each([
    [
      'identity provider',
      { identityProvider: { issuer: IDP, client: { clientId: ' ' }, idToken: 'x' }, client: CLIENT },
    ],
    [
      'authorization server',
      { identityProvider: { issuer: IDP, client: CLIENT, idToken: 'x' }, client: { clientId: '' } },
    ],
  ])('a blank client id at the %s is said at once', (whose, options) => {
    expect(() => identityAssertion(options)).toThrow(
      expect.objectContaining({ code: 'configuration', message: expect.stringContaining(whose) as string }),
    )
  })

  it.each(['idp.example.com', 'http://idp.example.com', ''])(
    'R-IDJAG-1 an identity provider at %j, which no token may go to, is said at once',
    issuer => {
      const identityProvider = { issuer, tokenEndpoint: `${IDP}/token`, client: CLIENT, idToken: 'x' }
      expect(() => identityAssertion({ identityProvider, client: CLIENT })).toThrow(
        expect.objectContaining({
          code: 'configuration',
          detail: expect.objectContaining({ received: issuer }) as unknown,
        }),
      )
    },
  )

  it('R-IDJAG-1 neither the ID token nor the assertion nor a secret of the provider is stored or shown', async () => {
    const { world, answer, fetch, session } = enterprise(
      {},
      { idToken: 'canary-id-token', client: { clientId: 'idp-app', clientSecret: 'canary-idp-secret' } },
    )
    answer['access_token'] = 'canary-assertion'
    await fetch(SERVER)
    world.routes.set(TOKEN, ({ body }) =>
      json({ error: 'invalid_grant', error_description: decodeURIComponent(body) }, 400),
    )
    const error = await session.login({ force: true }).catch((thrown: unknown) => thrown)
    const shown = [await world.store.get(KEY), world.events, await session.status(), error, session, fetch]
    expect(inspect(shown, { depth: 20, showHidden: true })).not.toContain('canary')
  })
})
