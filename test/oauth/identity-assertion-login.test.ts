import { describe, expect, it } from 'vitest'
import type { Authorizer } from '../../src/oauth/authorizer.ts'
import type { IdTokenRequest } from '../../src/oauth/grant-strategy.ts'
import { OAuthError } from '../../src/oauth/errors.ts'
import { ID_TOKEN_SECONDS, IDP, IdentityWorld, SSO_CLIENT } from './identity-world.ts'
import { ISSUER, SERVER } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }

/** A person who takes their time, until `answer` is called. */
function slowAuthorizer(world: IdentityWorld): { authorizer: Authorizer; answer: () => void } {
  const gate = new EventTarget()
  const opened = new Promise(resolve => gate.addEventListener('open', resolve))
  return {
    answer: () => void gate.dispatchEvent(new Event('open')),
    authorizer: {
      prepare: async options => {
        const prepared = await world.authorizer.prepare(options)
        const authorize: typeof prepared.authorize = async (url, handle) => {
          await world.fetch(url.href)
          await opened
          await prepared.authorize(url, handle)
        }
        return { ...prepared, authorize }
      },
    },
  }
}

describe('an identity assertion over a login at the identity provider', () => {
  it('R-IDJAG-1 logs the person in, exchanges, redeems, and answers the call', async () => {
    const world = new IdentityWorld()
    const { fetch, session } = world.client({ grant: world.assertion() })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('token-exchange')[0]?.form.get('subject_token')).toMatch(/^ey/u)
    expect(world.to(`GET ${SERVER}`).map(({ headers }) => headers.get('authorization'))).toEqual([
      null,
      expect.stringMatching(/^Bearer bound-/u),
    ])
    expect(await session.status()).toMatchObject({ loggedIn: true, issuer: ISSUER })
  })

  it('R-IDJAG-1 renews for the whole day of the login without asking anybody again', async () => {
    const world = new IdentityWorld()
    const { fetch } = world.client({ grant: world.assertion() })
    for (let call = 0; call < 12; call++) {
      expect((await fetch(SERVER)).status).toBe(200)
      world.now += 150_000
    }
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('refresh_token').length).toBeGreaterThan(3)
  })

  it('field M8: no lock is held while a person logs in, and the clocks of the calls stand still', async () => {
    const world = new IdentityWorld()
    const { authorizer, answer } = slowAuthorizer(world)
    const { fetch } = world.client({ grant: world.assertion(world.login({ authorizer })) })
    const clocks: boolean[] = []
    fetch.authorization.onInteraction(active => clocks.push(active))
    const calls = Array.from({ length: 50 }, () => fetch(SERVER))
    await world.until(() => world.logins.length > 0)
    expect(clocks).toEqual([true])
    for (const key of [KEY, { server: IDP, profile: 'openid' }])
      expect(await world.store.withLock(key, async () => 'free')).toBe('free')
    answer()
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(clocks).toEqual([true, false])
    expect(world.requestsOf('token-exchange')).toHaveLength(1)
    expect(world.requestsOf('authorization_code')).toHaveLength(1)
  })

  it('field M8: two processes open one browser, and send one exchange', async () => {
    const world = new IdentityWorld()
    const sleep = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))
    const process = () => world.client({ grant: world.assertion(world.login({ sleep })), sleep })
    const answers = await Promise.all([process().fetch(SERVER), process().fetch(SERVER)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('token-exchange')).toHaveLength(1)
  })

  it('names the identity provider where nobody may be asked', async () => {
    const world = new IdentityWorld()
    const grant = world.assertion()
    const expected = { code: 'login_required', detail: { issuer: IDP } }
    await expect(world.client({ grant, interactive: false }).fetch(SERVER)).rejects.toMatchObject(expected)
    await expect(world.session({ grant }).accessToken()).rejects.toMatchObject(expected)
    expect(world.logins).toEqual([])
  })

  it('a caller who may ask is not put off by one who might not', async () => {
    const world = new IdentityWorld()
    const session = world.session({ grant: world.assertion() })
    const [token, status] = await Promise.allSettled([session.accessToken(), session.login()])
    expect(token).toMatchObject({ status: 'rejected', reason: { code: 'login_required' } })
    expect(status).toMatchObject({ status: 'fulfilled', value: { loggedIn: true } })
  })

  it('disturbs nobody while the token works, and asks when it has ended', async () => {
    const world = new IdentityWorld()
    world.givesRefreshToken = false
    const { fetch } = world.client({ grant: world.assertion() })
    await fetch(SERVER)
    world.now += 115_000
    world.claims = { exp: world.now / 1000 + 100 }
    await world.login().logout()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.logins).toHaveLength(1)
    world.now += 10_000
    world.claims = {}
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.logins).toHaveLength(2)
  })

  it('disturbs nobody for a server whose authorization server is not the agreed one', async () => {
    const world = new IdentityWorld()
    world.resourceMetadata = { resource: SERVER, authorization_servers: ['https://elsewhere.example'] }
    await expect(world.client({ grant: world.assertion() }).fetch(SERVER)).rejects.toMatchObject({
      code: 'issuer_mismatch',
    })
    expect(world.logins).toEqual([])
  })

  it("R-CC-3 disturbs nobody where a person's login is in the way", async () => {
    const world = new IdentityWorld()
    await world.session().login()
    const before = world.authorizations.length
    world.revokeAccessTokens()
    await expect(world.client({ grant: world.assertion() }).fetch(SERVER)).rejects.toMatchObject({
      code: 'configuration',
    })
    expect(world.authorizations).toHaveLength(before)
  })

  it('disturbs nobody when another process has a token by now', async () => {
    const world = new IdentityWorld()
    const grant = world.assertion({ issuer: IDP, client: SSO_CLIENT, idToken: () => world.idToken() })
    // It logs in while this one is still finding out where to.
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', async () => {
      world.routes.delete('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp')
      await world.session({ grant }).login()
      return undefined
    })
    expect((await world.client({ grant: world.assertion() }).fetch(SERVER)).status).toBe(200)
    expect(world.logins).toEqual([])
  })

  it('R-IDJAG-1 an ID token that the exchange refuses is refreshed, and the call goes through', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    const ended = await login.idToken()
    world.takes = idToken => idToken !== ended
    const { fetch } = world.client({ grant: world.assertion(login) })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('token-exchange')).toHaveLength(2)
  })

  it('R-IDJAG-1 once: what is refused again is an error, and nobody is asked', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    await login.idToken()
    world.takes = () => false
    const { fetch } = world.client({ grant: world.assertion(login) })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_refused' })
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('token-exchange')).toHaveLength(2)
  })

  it('R-IDJAG-1 what cannot be replaced without a person is not shown again', async () => {
    const world = new IdentityWorld()
    world.givesRefreshToken = false
    const login = world.login()
    await login.idToken()
    world.takes = () => false
    const { fetch } = world.client({ grant: world.assertion(login) })
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'token_refused' })
    expect(world.logins).toHaveLength(1)
    expect(world.requestsOf('token-exchange')).toHaveLength(1)
  })

  it('R-RETRY-1 a person who refuses is asked no more than three times for one operation', async () => {
    const world = new IdentityWorld()
    world.consent = () => ({ error: 'access_denied' })
    const { fetch } = world.client({ grant: world.assertion() })
    const codes: string[] = []
    for (let call = 0; call < 6; call++) {
      world.now += 61_000
      await fetch(SERVER).catch((error: unknown) =>
        codes.push(error instanceof OAuthError ? error.code : String(error)),
      )
    }
    expect(codes.slice(0, 4)).toEqual([...Array<string>(3).fill('authorization_refused'), 'too_many_attempts'])
    expect(world.logins).toHaveLength(3)
  })

  it('an aborted call gives the login up', async () => {
    const world = new IdentityWorld()
    const { authorizer } = slowAuthorizer(world)
    let signal: AbortSignal | undefined
    const grant = world.assertion({
      issuer: IDP,
      client: SSO_CLIENT,
      idToken: wanted => {
        signal = wanted.signal
        return world.login({ authorizer }).idToken(wanted)
      },
    })
    const controller = new AbortController()
    const call = world.client({ grant }).fetch(SERVER, { signal: controller.signal })
    await world.until(() => world.logins.length > 0)
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(signal?.aborted).toBe(true)
  })

  it('logging out of the MCP server leaves the login at the identity provider', async () => {
    const world = new IdentityWorld()
    const login = world.login()
    const session = world.session({ grant: world.assertion(login) })
    await session.login()
    await session.logout()
    expect(await login.status()).toMatchObject({ loggedIn: true })
    expect(await session.login()).toMatchObject({ loggedIn: true })
    expect(world.logins).toHaveLength(1)
  })
})

describe('a source of ID tokens of the application', () => {
  it('is told whether it may ask a person, and is asked once for fifty calls', async () => {
    const world = new IdentityWorld()
    const asked: boolean[] = []
    const idToken = ({ interactive }: IdTokenRequest): string => {
      asked.push(interactive)
      return world.idToken()
    }
    const { fetch } = world.client({ grant: world.assertion({ issuer: IDP, client: SSO_CLIENT, idToken }) })
    await Promise.all(Array.from({ length: 50 }, () => fetch(SERVER)))
    expect(asked).toEqual([true])
    world.now += ID_TOKEN_SECONDS * 1000
    await fetch(SERVER)
    expect(asked).toEqual([true, false])
  })

  it('that fails is not asked with every call', async () => {
    const world = new IdentityWorld()
    let asked = 0
    const idToken = (): string => {
      asked++
      throw new Error('canary')
    }
    const { fetch } = world.client({ grant: world.assertion({ issuer: IDP, client: SSO_CLIENT, idToken }) })
    for (let call = 0; call < 5; call++) {
      const failure = await fetch(SERVER).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'configuration' })
      expect(String(failure)).not.toContain('canary')
    }
    expect(asked).toBe(1)
  })
})
