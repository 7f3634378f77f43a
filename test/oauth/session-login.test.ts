import { describe, expect, it } from 'vitest'
import type { Authorizer, CallbackOutcome } from '../../src/oauth/authorizer.ts'
import { MAX_PENDING_LOGINS } from '../../src/oauth/store/credential-store.ts'
import { ISSUER, json, REDIRECT_URI, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const scopes = (world: World): (string | null)[] => world.authorizations.map(({ url }) => url.searchParams.get('scope'))

describe('a login across processes', () => {
  it('R-AUTHZ-1 is begun by one session and finished by another over the same store', async () => {
    const world = new World()
    const { url, expiresAt } = await world.session().beginLogin({ redirectUri: REDIRECT_URI })
    expect(expiresAt).toBe(world.now + 600_000)
    const status = await world.session().finishLogin(await world.approve(url))
    expect(status).toMatchObject({ loggedIn: true, issuer: ISSUER })
    expect(world.tokenRequests[0]?.form.get('redirect_uri')).toBe(REDIRECT_URI)
  })

  it('R-AUTHZ-1 the verifier that is sent belongs to the challenge of the same state', async () => {
    const world = new World()
    const session = world.session()
    const [first, second] = [
      await session.beginLogin({ redirectUri: REDIRECT_URI }),
      await session.beginLogin({ redirectUri: REDIRECT_URI }),
    ]
    await session.finishLogin(await world.approve(second.url))
    await session.finishLogin(await world.approve(first.url))
    const digests = await Promise.all(
      world.tokenRequests.map(async ({ form }) => {
        const bytes = new TextEncoder().encode(form.get('code_verifier') ?? '')
        return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('base64url')
      }),
    )
    expect(digests).toEqual([second, first].map(({ url }) => url.searchParams.get('code_challenge')))
  })

  it('R-AUTHZ-3 an unknown state is refused and leaves the pending login alone', async () => {
    const world = new World()
    const session = world.session()
    const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
    await expect(session.finishLogin(new URLSearchParams({ state: 'x', code: 'y' }))).rejects.toMatchObject({
      code: 'authorization_response_invalid',
    })
    expect(await session.finishLogin(await world.approve(url))).toMatchObject({ loggedIn: true })
  })

  it('R-AUTHZ-2 an answer without iss is refused where the server says that it sends it, and only there', async () => {
    for (const promised of [true, false]) {
      const world = new World()
      world.serverMetadata = { authorization_response_iss_parameter_supported: promised }
      const session = world.session()
      const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
      const answer = await world.approve(url)
      answer.delete('iss')
      const outcome = session.finishLogin(answer)
      if (promised) await expect(outcome).rejects.toMatchObject({ code: 'authorization_response_invalid' })
      else await expect(outcome).resolves.toMatchObject({ loggedIn: true })
      expect(world.tokenRequests).toHaveLength(promised ? 0 : 1)
    }
  })

  it('R-AUTHZ-2 what the server promised when the login was begun counts, whatever it says later', async () => {
    const world = new World()
    const { url } = await world.session().beginLogin({ redirectUri: REDIRECT_URI })
    const answer = await world.approve(url)
    answer.delete('iss')
    world.serverMetadata = { authorization_response_iss_parameter_supported: false }
    await expect(world.session().finishLogin(answer)).rejects.toMatchObject({ code: 'authorization_response_invalid' })
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-AUTHZ-3 a stale state is refused', async () => {
    const world = new World()
    const session = world.session()
    const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
    world.now += 600_001
    await expect(session.finishLogin(await world.approve(url))).rejects.toMatchObject({
      code: 'authorization_response_invalid',
    })
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-AUTHZ-3 an error with a wrong iss does not burn the login; with the right one it does', async () => {
    const world = new World()
    const session = world.session()
    const { url } = await session.beginLogin({ redirectUri: REDIRECT_URI })
    world.consent = () => ({ error: 'access_denied', error_description: 'forged', iss: 'https://evil.example.com' })
    const forged = session.finishLogin(await world.approve(url))
    await expect(forged).rejects.toMatchObject({ code: 'authorization_response_invalid' })
    await expect(forged).rejects.not.toThrow('forged')
    world.consent = () => ({ error: 'access_denied' })
    await expect(session.finishLogin(await world.approve(url))).rejects.toMatchObject({ code: 'authorization_refused' })
    world.consent = () => ({ code: 'late' })
    await expect(session.finishLogin(await world.approve(url))).rejects.toMatchObject({
      code: 'authorization_response_invalid',
    })
    expect(world.tokenRequests).toHaveLength(0)
  })

  it('R-AUTHZ-5 a code is redeemed once, however many sessions get the answer', async () => {
    const world = new World()
    const { url } = await world.session().beginLogin({ redirectUri: REDIRECT_URI })
    const answer = await world.approve(url)
    const results = await Promise.allSettled([1, 2, 3].map(() => world.session().finishLogin(answer)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('keeps a bounded number of pending logins, the newest', async () => {
    const world = new World()
    const session = world.session()
    const begun = []
    for (let count = 0; count < MAX_PENDING_LOGINS + 2; count++) {
      world.now++
      begun.push(await session.beginLogin({ redirectUri: REDIRECT_URI }))
    }
    const pending = Object.keys((await world.store.get(KEY))?.record.pendingLogins ?? {})
    expect(pending.sort()).toEqual(
      begun
        .slice(2)
        .map(({ state }) => state)
        .sort(),
    )
  })
})

/** An authorizer that hands each of `answers` to the callback and notes the outcomes. */
function scripted(
  world: World,
  answers: (parameters: URLSearchParams) => readonly URLSearchParams[],
): {
  authorizer: Authorizer
  outcomes: CallbackOutcome[]
} {
  const outcomes: CallbackOutcome[] = []
  const authorizer: Authorizer = {
    prepare: async () => ({
      redirectUri: REDIRECT_URI,
      async authorize(url, handle) {
        for (const answer of answers(await world.approve(url))) outcomes.push(await handle(answer))
      },
      close: async () => undefined,
    }),
  }
  return { authorizer, outcomes }
}

describe('a login with an authorizer', () => {
  it('R-AUTHZ-3 a callback with an unknown state is ignored and the login goes on', async () => {
    const world = new World()
    const { authorizer, outcomes } = scripted(world, good => [new URLSearchParams({ state: 'stale', code: 'x' }), good])
    await world.session({}, { authorizer }).login()
    expect(outcomes.map(({ status }) => status)).toEqual(['ignored', 'completed'])
  })

  it('R-AUTHZ-5 a callback that is loaded twice tells the same outcome and redeems once', async () => {
    const world = new World()
    const { authorizer, outcomes } = scripted(world, good => [good, good])
    await world.session({}, { authorizer }).login()
    expect(outcomes.map(({ status }) => status)).toEqual(['completed', 'completed'])
    expect(world.tokenRequests).toHaveLength(1)
  })

  it('R-AUTHZ-5 says "completed" only when the tokens are stored', async () => {
    const world = new World()
    const { authorizer, outcomes } = scripted(world, good => [good])
    const { compareAndSet } = world.store
    world.store.compareAndSet = (key, version, record) => {
      if (record.current !== undefined) throw new Error('disk full')
      return compareAndSet(key, version, record)
    }
    await expect(world.session({}, { authorizer }).login()).rejects.toThrow('disk full')
    expect(outcomes).toEqual([{ status: 'failed', message: 'The login could not be stored.' }])
  })

  it('R-AUTHZ-5 a failed redemption is the outcome that the page tells', async () => {
    const world = new World()
    world.routes.set(`POST ${ISSUER}/token`, () => json({ error: 'invalid_grant', error_description: 'too late' }, 400))
    const { authorizer, outcomes } = scripted(world, good => [good])
    await expect(world.session({}, { authorizer }).login()).rejects.toMatchObject({ code: 'token_refused' })
    expect(outcomes).toEqual([{ status: 'failed', message: expect.stringContaining('too late') }])
  })

  it.each(['http://mcp.example.com/callback', 'ftp://127.0.0.1/', 'http://127.0.0.1:1/#f', 'javascript:alert(1)'])(
    'R-AUTHZ-4 refuses the redirect URI %s before anybody is sent anywhere',
    async redirectUri => {
      const world = new World()
      await expect(world.session().beginLogin({ redirectUri })).rejects.toMatchObject({ code: 'redirect_uri_refused' })
      expect(world.count(`POST ${ISSUER}/register`)).toBe(0)
    },
  )

  it('field A18: concurrent requests open one login and share its result', async () => {
    const world = new World()
    const { fetch } = world.client()
    const responses = await Promise.all([1, 2, 3, 4].map(() => fetch(SERVER)))
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(world.authorizations).toHaveLength(1)
  })

  it('field A18: concurrent requests share the failure of one login, too', async () => {
    const world = new World()
    world.consent = () => ({ error: 'access_denied' })
    const { fetch } = world.client()
    const results = await Promise.allSettled([1, 2, 3].map(() => fetch(SERVER)))
    expect(results.map(result => result.status === 'rejected' && result.reason.code)).toEqual(
      Array.from({ length: 3 }, () => 'authorization_refused'),
    )
    expect(world.authorizations).toHaveLength(1)
  })

  it('an aborted wait ends alone; the last one ends the login, and the next request begins a new one', async () => {
    const world = new World()
    let finish: (() => void) | undefined
    let aborted = false
    const authorizer: Authorizer = {
      prepare: async ({ signal }) => ({
        redirectUri: REDIRECT_URI,
        authorize: async (url, handle) => {
          await new Promise<void>((resolve, reject) => {
            finish = resolve
            signal?.addEventListener('abort', () => {
              aborted = true
              reject(new Error('aborted'))
            })
          })
          await handle(await world.approve(url))
        },
        close: async () => undefined,
      }),
    }
    const { fetch } = world.client({}, { authorizer })
    const [one, two] = [new AbortController(), new AbortController()]
    const waits = [one, two].map(({ signal }) => fetch(SERVER, { signal }))
    await world.until(() => finish !== undefined)
    await world.settle()
    one.abort(new Error('mine'))
    await expect(waits[0]).rejects.toThrow('mine')
    expect(aborted).toBe(false)
    two.abort(new Error('mine too'))
    await expect(waits[1]).rejects.toThrow('mine too')
    expect(aborted).toBe(true)
    finish = undefined
    const again = fetch(SERVER)
    await world.until(() => finish !== undefined)
    finish!()
    expect((await again).status).toBe(200)
  })

  it('tells listeners while a person is logging in, and those who come later at once', async () => {
    const world = new World()
    const heard: string[] = []
    const { session, fetch } = world.client({}, { authorizer: scripted(world, good => [good]).authorizer })
    const stop = fetch.authorization.onInteraction(active => heard.push(String(active)))
    const { approve } = world
    world.approve = async url => {
      fetch.authorization.onInteraction(active => heard.push(`late ${active}`))
      return approve.call(world, url)
    }
    await session.login()
    expect(heard).toEqual(['true', 'late true', 'false', 'late false'])
    stop()
    await session.login({ force: true })
    expect(heard.filter(each => !each.startsWith('late'))).toHaveLength(2)
  })

  it('does not ask anybody when a usable login covers the scope, and does when it does not', async () => {
    const world = new World()
    const session = world.session({ scope: 'read' })
    await session.login()
    await session.login()
    await session.login({ scope: 'read' })
    expect(world.authorizations).toHaveLength(1)
    await session.login({ scope: 'read write' })
    expect(scopes(world)).toEqual(['read', 'read write'])
    await session.login({ force: true })
    expect(world.authorizations).toHaveLength(3)
  })

  it('an expired login that can be refreshed is refreshed; one that cannot leads to a login', async () => {
    const world = new World()
    const session = world.session()
    await session.login()
    world.now += 4_000_000
    await session.login()
    expect([world.refreshes.length, world.authorizations.length]).toEqual([1, 1])
    world.refreshTokens.clear()
    world.now += 4_000_000
    await session.login()
    expect([world.refreshes.length, world.authorizations.length]).toEqual([2, 2])
  })

  it('R-REFRESH-6 re-login as another account whose answer has no refresh token never sends the old one', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await fetch(SERVER)
    const before = await session.status()
    world.givesRefreshToken = false
    await session.login({ force: true })
    const after = await session.status()
    expect(after).toMatchObject({ refreshable: false })
    expect(after.grantId).not.toBe(before.grantId)
    world.revokeAccessTokens()
    world.now += 10_000_000
    await fetch(SERVER)
    expect(world.refreshes).toHaveLength(0)
    expect(JSON.stringify(await world.store.get(KEY))).not.toContain('refresh-')
  })

  it('without an authorizer or with interactive false a person is never asked', async () => {
    const world = new World()
    const opened: string[] = []
    const { prepare } = world.authorizer
    const authorizer: Authorizer = {
      prepare: options => {
        opened.push('browser')
        return prepare(options)
      },
    }
    await expect(world.session({ interactive: false }, { authorizer }).login()).rejects.toMatchObject({
      code: 'login_required',
    })
    await expect(world.client({ interactive: false }, { authorizer }).fetch(SERVER)).rejects.toMatchObject({
      code: 'login_required',
    })
    await expect(world.session({ interactive: false }).accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect(opened).toEqual([])
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'loginRequired' }))
  })

  it('field T14: says so when no refresh token came and the login will end', async () => {
    const world = new World()
    world.givesRefreshToken = false
    await world.session().login()
    expect(world.events).toContainEqual({
      type: 'warning',
      message: `This login lasts 60 minutes: ${ISSUER} gave no refresh token.`,
    })
  })

  it('field T21: a token without expiry and refresh token is used until it is rejected', async () => {
    const world = new World()
    world.givesRefreshToken = false
    world.tokenResponse = {}
    const { session, fetch } = world.client()
    await fetch(SERVER)
    world.now += 365 * 86_400_000
    await fetch(SERVER)
    expect(world.authorizations).toHaveLength(1)
    expect(await session.status()).toMatchObject({ loggedIn: true })
    expect(world.events.some(({ type }) => type === 'warning')).toBe(false)
  })

  it('field T5: on invalid_client the other advertised method is tried once, and remembered', async () => {
    const world = new World()
    world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'] }
    world.routes.set(`POST ${ISSUER}/token`, ({ form }) =>
      form.has('client_secret') ? undefined : json({ error: 'invalid_client' }, 401),
    )
    const { session, fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'hush' } })
    await fetch(SERVER)
    expect(world.tokenRequests).toHaveLength(2)
    world.now += 3_599_000
    await session.accessToken()
    expect(world.tokenRequests).toHaveLength(3)
  })
})

it('field T5: a method that is not advertised is not tried', async () => {
  const world = new World()
  world.serverMetadata = { token_endpoint_auth_methods_supported: ['client_secret_basic'] }
  world.routes.set(`POST ${ISSUER}/token`, () => json({ error: 'invalid_client' }, 401))
  const { fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'hush' } })
  await expect(fetch(SERVER)).rejects.toMatchObject({ detail: { oauthError: 'invalid_client' } })
  expect(world.tokenRequests).toHaveLength(1)
})

it('R-SCOPE-1 a login for a scope is not satisfied by another one that began meanwhile', async () => {
  const world = new World()
  const { session, fetch } = world.client()
  const gate = new EventTarget()
  const opened = new Promise(resolve => gate.addEventListener('open', resolve))
  world.routes.set(`GET ${ISSUER}/authorize`, async () => void (await opened))
  const call = fetch(SERVER)
  const login = session.login({ scope: 'admin' })
  await world.until(() => world.authorizations.length > 0)
  await world.settle()
  expect(world.authorizations).toHaveLength(1)
  gate.dispatchEvent(new Event('open'))
  expect((await call).status).toBe(200)
  expect((await login).scope).toBe('admin')
  expect(world.authorizations).toHaveLength(2)
})

it('R-ASM-4 a public server cannot send the browser to this machine', async () => {
  const world = new World()
  world.serverMetadata = { authorization_endpoint: 'http://127.0.0.1:8080/router/reset' }
  await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'url_refused' })
  expect(world.seen.some(({ url }) => url.hostname === '127.0.0.1')).toBe(false)
  expect(world.count(`POST ${ISSUER}/register`)).toBe(0)
})

describe('the scope of a login', () => {
  it('R-SCOPE-8 the union of requested, granted and challenged survives refresh, re-login and restart', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    world.tokenResponse = { expires_in: 3600, scope: 'a granted' }
    const { fetch } = world.client()
    await fetch(SERVER)
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.refreshes).toHaveLength(1)
    const restarted = world.client()
    world.routes.set(`GET ${SERVER}`, () =>
      world.authorizations.length < 2
        ? new Response('', {
            status: 403,
            headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="b"' },
          })
        : undefined,
    )
    await restarted.fetch(SERVER)
    await world.session().login({ force: true })
    expect(scopes(world)).toEqual(['a', 'a granted b', 'a granted b'])
  })

  it('R-SCOPE-8 an answer without scope is recorded as requested', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a b"'
    const { session, fetch } = world.client()
    await fetch(SERVER)
    expect((await session.status()).scope).toBe('a b')
  })

  it('field S11: a granted subset is accepted and recorded', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a b"'
    world.tokenResponse = { expires_in: 3600, scope: 'a' }
    const { session, fetch } = world.client()
    expect((await fetch(SERVER)).status).toBe(200)
    expect((await session.status()).scope).toBe('a')
  })

  it('R-DCR-1 registration asks for the same scope as the authorization request', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    world.serverMetadata = { scopes_supported: ['a', 'offline_access'] }
    await world.client().fetch(SERVER)
    const body = JSON.parse(world.to(`POST ${ISSUER}/register`)[0]?.body ?? '{}') as { scope: string }
    expect([body.scope, scopes(world)[0]]).toEqual(['a offline_access', 'a offline_access'])
  })

  it.each(['authorization', 'token'])(
    'R-SCOPE-9 invalid_scope with offline_access at the %s endpoint: once more without, remembered for the issuer',
    async where => {
      const world = new World()
      world.challenge = 'Bearer scope="a"'
      world.serverMetadata = { scopes_supported: ['a', 'offline_access'] }
      const { consent } = world
      const refuses = (): boolean => scopes(world).at(-1)?.includes('offline_access') ?? false
      if (where === 'authorization') world.consent = url => (refuses() ? { error: 'invalid_scope' } : consent(url))
      else {
        world.routes.set(`POST ${ISSUER}/token`, () => (refuses() ? json({ error: 'invalid_scope' }, 400) : undefined))
      }
      expect((await world.client().fetch(SERVER)).status).toBe(200)
      await world.session().login({ force: true })
      expect(scopes(world)).toEqual(['a offline_access', 'a', 'a'])
    },
  )

  it('R-SCOPE-9 invalid_scope without offline_access is final', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    world.consent = () => ({ error: 'invalid_scope' })
    await expect(world.client().fetch(SERVER)).rejects.toMatchObject({ code: 'authorization_refused' })
    expect(world.authorizations).toHaveLength(1)
  })
})

it('close gives up a login under way and leaves nothing of it behind', async () => {
  const world = new World()
  let asked = false
  const authorizer: Authorizer = {
    prepare: async ({ signal }) => ({
      redirectUri: REDIRECT_URI,
      authorize: () =>
        new Promise((_, reject) => {
          asked = true
          signal?.addEventListener('abort', () => reject(new Error('given up')))
        }),
      close: async () => undefined,
    }),
  }
  const session = world.session({}, { authorizer })
  const login = expect(session.login()).rejects.toThrow('given up')
  await world.until(() => asked)
  await session.close()
  await login
  expect((await world.store.get(KEY))?.record.pendingLogins).toBeUndefined()
})
