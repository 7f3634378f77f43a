import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ID_TOKEN_SECONDS, IDP, IdentityWorld, SSO_CLIENT } from './identity-world.ts'
import { REDIRECT_URI } from './world.ts'

const stored = async (world: IdentityWorld) =>
  (await world.store.get({ server: IDP, profile: 'openid' }))?.record.issuers[IDP]

describe('a login at an identity provider', () => {
  it('asks the person once, with PKCE, state and nonce and without resource, and keeps the ID token', async () => {
    const world = new IdentityWorld()
    world.serverMetadata = { scopes_supported: ['openid', 'offline_access'] }
    const login = world.login()
    const idToken = await login.idToken()
    const [authorization, ...more] = world.logins
    expect(more).toEqual([])
    const asked = Object.fromEntries(authorization!.url.searchParams)
    expect(asked).toMatchObject({
      client_id: SSO_CLIENT.clientId,
      scope: 'openid offline_access',
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/^[\w-]{43}$/u) as string,
    })
    expect(asked).not.toHaveProperty('resource')
    expect(asked['nonce']).not.toBe(asked['state'])
    expect(world.requestsOf('authorization_code')[0]?.form.has('resource')).toBe(false)
    expect((await stored(world))?.grant?.idToken).toBe(idToken)
    expect(await world.login().idToken({ interactive: false })).toBe(idToken)
    expect(await login.status()).toMatchObject({ loggedIn: true, issuer: IDP, profile: 'openid' })
  })

  it('looks for no MCP server at the issuer: no probe, no resource metadata, no registration', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    await login.login({ force: true })
    const visited = world.seen.map(({ method, url }) => `${method} ${url.pathname}`)
    expect(visited).toEqual(['GET /.well-known/oauth-authorization-server', 'GET /authorize', 'POST /token'])
    world.now += ID_TOKEN_SECONDS * 1000
    await login.idToken()
    await login.logout()
    expect(world.seen.some(({ url }) => url.pathname.includes('protected-resource'))).toBe(false)
  })

  it.each([
    ['of another login', { nonce: 'forged' }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another client', { aud: 'other' }],
    ['that has expired', { exp: 1 }],
  ])('R-IDJAG-1 stores nothing when the ID token is one %s', async (_name, claims) => {
    const world = new IdentityWorld()
    world.claims = claims
    await expect(world.login().idToken()).rejects.toMatchObject({
      code: 'token_response_invalid',
      detail: { step: 'ID token' },
    })
    expect((await stored(world))?.grant).toBeUndefined()
  })

  it('says so when there is no ID token at all', async () => {
    const world = new IdentityWorld()
    world.routes.set(`POST ${IDP}/token`, seen => world.token(seen))
    await expect(world.login().idToken()).rejects.toMatchObject({
      code: 'token_response_invalid',
      message: `${IDP} gave no ID token.`,
    })
    expect((await stored(world))?.grant).toBeUndefined()
  })

  it('asks nobody who may not be asked, and names the identity provider', async () => {
    const world = new IdentityWorld()
    const expected = {
      code: 'login_required',
      detail: { issuer: IDP },
      message: expect.stringContaining(IDP) as string,
    }
    await expect(world.login().idToken({ interactive: false })).rejects.toMatchObject(expected)
    await expect(world.login({ interactive: false }).idToken()).rejects.toMatchObject(expected)
    expect(world.logins).toEqual([])
  })

  it('R-REFRESH-3 gives fifty askers in two sessions one refresh a minute before the end', async () => {
    const world = new IdentityWorld()
    const first = await world.login().idToken()
    world.now += (ID_TOKEN_SECONDS - 60) * 1000
    const logins = [world.login(), world.login()]
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, index) => logins[index % 2]!.idToken()))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(first)
    expect(world.requestsOf('refresh_token')).toHaveLength(1)
    expect(world.logins).toHaveLength(1)
  })

  it('field M8: two processes that need a login open one browser', async () => {
    const world = new IdentityWorld()
    // Whoever waits counts its own waiting, so it must take some time.
    const sleep = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))
    const [first, second] = await Promise.all([world.login({ sleep }).idToken(), world.login({ sleep }).idToken()])
    expect(first).toBe(second)
    expect(world.logins).toHaveLength(1)
  })

  it('a refresh without an ID token keeps the new refresh token and asks the person', async () => {
    const world = new IdentityWorld()
    const first = await world.login().idToken()
    world.refreshesIdToken = false
    world.now += ID_TOKEN_SECONDS * 1000
    await expect(world.login().idToken({ interactive: false })).rejects.toMatchObject({ code: 'login_required' })
    expect(world.refreshTokens.has((await stored(world))?.grant?.refreshToken ?? '')).toBe(true)
    expect(await world.login().idToken()).not.toBe(first)
    expect(world.logins).toHaveLength(2)
  })

  it('an ID token about somebody else that comes with a refresh is left out, and the rotated refresh token kept', async () => {
    const world = new IdentityWorld()
    const first = await world.login().idToken()
    world.now += (ID_TOKEN_SECONDS - 30) * 1000
    world.claims = { sub: 'eve' }
    expect(await world.login().idToken({ interactive: false })).toBe(first)
    expect(world.refreshTokens.has((await stored(world))?.grant?.refreshToken ?? '')).toBe(true)
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'warning' }))
  })

  it('uses a token up that lives, when the identity provider is away, and fails without asking when it does not', async () => {
    const world = new IdentityWorld()
    const first = await world.login().idToken()
    world.routes.set(`POST ${IDP}/token`, () => new Response('', { status: 503 }))
    world.now += (ID_TOKEN_SECONDS - 30) * 1000
    expect(await world.login().idToken()).toBe(first)
    world.now += 30_000
    await expect(world.login().idToken()).rejects.toMatchObject({ code: 'token_unavailable' })
    expect(world.logins).toHaveLength(1)
  })

  it('asks the person again when the refresh is refused', async () => {
    const world = new IdentityWorld()
    const first = await world.login().idToken()
    world.refreshTokens.clear()
    world.now += ID_TOKEN_SECONDS * 1000
    await expect(world.login().idToken({ interactive: false })).rejects.toMatchObject({ code: 'login_required' })
    expect(await world.login().idToken()).not.toBe(first)
    expect(world.logins).toHaveLength(2)
  })

  it('replaces a token that was refused elsewhere by a refresh, never by a person', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    const first = await login.idToken()
    const second = await login.idToken({ refused: first })
    expect(second).not.toBe(first)
    world.refreshesIdToken = false
    expect(await login.idToken({ refused: second })).toBe(second)
    expect(world.logins).toHaveLength(1)
  })

  it('a web host begins in one process and finishes in another', async () => {
    const world = new IdentityWorld()
    const options = { authorizer: undefined } as object
    const { url } = await world.login(options).beginLogin({ redirectUri: REDIRECT_URI })
    const status = await world.login(options).finishLogin(await world.approve(url))
    expect(status).toMatchObject({ loggedIn: true, issuer: IDP })
    await expect(world.login(options).idToken()).resolves.toMatch(/^ey/u)
  })

  it('logout revokes at the identity provider and forgets the ID token', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    await login.idToken()
    const { revocations } = await login.logout()
    expect(revocations.map(({ token, ok }) => [token, ok])).toEqual([
      ['refresh_token', true],
      ['access_token', true],
    ])
    expect((await stored(world))?.grant).toBeUndefined()
    await expect(login.idToken({ interactive: false })).rejects.toMatchObject({ code: 'login_required' })
  })

  it('shows no token in events, status or inspect', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    await login.idToken()
    const shown = inspect([login, await login.status(), world.events], { depth: 10, showHidden: true })
    expect(shown).not.toMatch(/eyJ|access-|refresh-\d/u)
  })
})
