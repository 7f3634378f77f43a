import { describe, expect, it } from 'vitest'
import type { OAuthSession } from '../../src/oauth/session.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'
import type { AuthorizedFetch } from '../../src/oauth/with-oauth.ts'
import { ISSUER, json, notFound, OTHER_ISSUER, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const TOKEN = `POST ${ISSUER}/token`
const stored = async (world: World): Promise<any> => (await world.store.get(KEY))?.record.issuers[ISSUER]

/** A world with one login in it. */
async function loggedIn(world = new World()): Promise<{ world: World; session: OAuthSession; fetch: AuthorizedFetch }> {
  const { session, fetch } = world.client()
  await fetch(SERVER)
  return { world, session, fetch }
}

describe('when to refresh', () => {
  it('R-REFRESH-1 a 401 is answered by the refresh token before anybody is asked', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect([world.refreshes.length, world.authorizations.length]).toEqual([1, 1])
  })

  it('R-REFRESH-1 the metadata is validated again before the token is sent', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    world.resourceMetadata = { resource: 'https://evil.example.com/mcp', authorization_servers: [ISSUER] }
    await expect(fetch(SERVER)).rejects.toMatchObject({ code: 'resource_mismatch' })
    expect(world.refreshes).toHaveLength(0)
  })

  it('R-REFRESH-1 a token endpoint that turned into plain http gets nothing', async () => {
    const { world, fetch } = await loggedIn()
    world.serverMetadata = { token_endpoint: 'http://as.example.com/token' }
    world.revokeAccessTokens()
    world.now += 700_000
    await expect(fetch(SERVER)).rejects.toThrow()
    expect(world.seen.some(({ url }) => url.protocol === 'http:')).toBe(false)
    expect((await stored(world)).grant.refreshToken).toBeDefined()
  })

  it('R-REFRESH-1 when the store holds a newer token than the rejected one, that is used', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    await world.client().fetch(SERVER)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.refreshes).toHaveLength(1)
  })

  it.each([
    [3600, 3_600_000 - 67_000, 0],
    [3600, 3_600_000 - 59_000, 1],
    [100, 88_000, 0],
    [100, 91_000, 1],
  ])('R-REFRESH-2 of %d s, after %d ms: %d refreshes', async (lifetime, elapsed, refreshes) => {
    const world = new World()
    world.tokenResponse = { expires_in: lifetime }
    const { session } = await loggedIn(world)
    world.now += elapsed
    await session.accessToken()
    expect(world.refreshes).toHaveLength(refreshes)
  })

  it.each([
    ['503', () => new Response('', { status: 503 })],
    ['invalid_grant', () => json({ error: 'invalid_grant' }, 400)],
    ['invalid_client', () => json({ error: 'invalid_client' }, 401)],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
  ])('R-REFRESH-2 a proactive refresh that fails with %s keeps the token that still works', async (_, answer) => {
    const { world, session, fetch } = await loggedIn()
    world.routes.set(TOKEN, answer)
    world.now += 3_590_000
    expect(await session.accessToken()).toMatch(/^access-/)
    expect((await fetch(SERVER)).status).toBe(200)
    expect(await session.status()).toMatchObject({ loggedIn: true })
    expect(world.authorizations).toHaveLength(1)
  })

  it('field T19: the threshold is never the whole lifetime', async () => {
    const world = new World()
    world.tokenResponse = { expires_in: 30 }
    const { session } = await loggedIn(world)
    for (let call = 0; call < 5; call++) await session.accessToken()
    expect(world.refreshes).toHaveLength(0)
  })
})

describe('one refresh for everybody', () => {
  it('R-REFRESH-3 concurrent requests and calls in one session make one redemption', async () => {
    const { world, session, fetch } = await loggedIn()
    world.now += 3_599_000
    await Promise.all([session.accessToken(), session.accessToken(), fetch(SERVER), fetch(SERVER)])
    expect(world.refreshes).toHaveLength(1)
  })

  it('R-REFRESH-3 sessions over one store make one redemption: lock, re-read, use what is there', async () => {
    const { world } = await loggedIn()
    const sessions = Array.from({ length: 5 }, () => world.session())
    world.now += 3_599_000
    const tokens = await Promise.all(sessions.map(session => session.accessToken()))
    expect(world.refreshes).toHaveLength(1)
    expect(new Set(tokens).size).toBe(1)
  })

  it('R-REFRESH-3 concurrent 401s make one redemption', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    const responses = await Promise.all([1, 2, 3, 4, 5].map(() => fetch(SERVER)))
    expect(responses.every(({ ok }) => ok)).toBe(true)
    expect(world.refreshes).toHaveLength(1)
  })

  it('R-REFRESH-3 the record says durably that a redemption is under way, before it is sent', async () => {
    const { world, session } = await loggedIn()
    world.now += 3_599_000
    let seen: unknown
    world.routes.set(TOKEN, async () => {
      seen = (await stored(world)).refreshing
      return undefined
    })
    const { refreshToken } = (await stored(world)).grant
    await session.accessToken()
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(refreshToken)))
    expect(seen).toMatchObject({
      owner: expect.any(String),
      startedAt: world.now,
      tokenHash: hash.toString('base64url'),
    })
    expect((await stored(world)).refreshing).toBeUndefined()
  })

  it('R-REFRESH-3 an interrupted redemption of another process uses up the live token first, then says what happened', async () => {
    const { world, session } = await loggedIn()
    await interrupt(world)
    world.now += 3_590_000
    await session.accessToken()
    expect(world.refreshes).toHaveLength(0)
    world.now += 20_000
    world.refreshTokens.clear()
    await expect(session.accessToken()).rejects.toMatchObject({
      code: 'login_required',
      message: expect.stringContaining('interrupted'),
    })
  })

  it('R-TOKEN-3 the only waiter aborts mid-redemption and the rotated token is still persisted', async () => {
    const { world, session } = await loggedIn()
    const letGo = world.holdTokenEndpoint()
    world.now += 3_599_000
    const controller = new AbortController()
    const wait = session.accessToken({ signal: controller.signal })
    await world.until(() => world.refreshes.length === 1)
    controller.abort()
    await expect(wait).rejects.toMatchObject({ code: 'aborted' })
    const before = (await stored(world)).grant.refreshToken
    let closed = false
    const closing = session.close().then(() => (closed = true))
    await world.settle()
    expect(closed).toBe(false)
    letGo()
    await closing
    const { refreshToken } = (await stored(world)).grant
    expect(refreshToken).not.toBe(before)
    expect(world.refreshTokens.has(refreshToken)).toBe(true)
  })

  it('R-TOKEN-3 an aborted login whose code was sent is stored all the same', async () => {
    const world = new World()
    const letGo = world.holdTokenEndpoint()
    const session = world.session()
    const controller = new AbortController()
    const login = session.login({ signal: controller.signal })
    await world.until(() => world.tokenRequests.length === 1)
    controller.abort()
    await expect(login).rejects.toMatchObject({ code: 'aborted' })
    letGo()
    await session.close()
    expect(await session.status()).toMatchObject({ loggedIn: true })
  })

  it('R-TOKEN-3 no redirect of the token endpoint is followed', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(
      TOKEN,
      () => new Response('', { status: 307, headers: { location: 'https://evil.example.com/token' } }),
    )
    world.now += 3_700_000
    await expect(session.accessToken()).rejects.toThrow()
    expect(world.seen.some(({ url }) => url.host === 'evil.example.com')).toBe(false)
    expect((await stored(world)).grant.refreshToken).toBeDefined()
  })

  it('R-TOKEN-4 resource is in every authorization and token request, verbatim', async () => {
    const world = new World()
    world.resourceMetadata = { resource: 'https://mcp.example.com', authorization_servers: [ISSUER] }
    const { fetch } = await loggedIn(world)
    world.revokeAccessTokens()
    await fetch(SERVER)
    const sent = [world.authorizations[0]?.url.searchParams, ...world.tokenRequests.map(({ form }) => form)]
    expect(sent.map(parameters => parameters?.getAll('resource'))).toEqual([
      ['https://mcp.example.com'],
      ['https://mcp.example.com'],
      ['https://mcp.example.com'],
    ])
  })

  it('field T16: the resource of the login is replayed although another is published now, and scope is not sent', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    const { fetch } = await loggedIn(world)
    world.resourceMetadata = { resource: 'https://mcp.example.com', authorization_servers: [ISSUER] }
    world.revokeAccessTokens()
    await fetch(SERVER)
    expect(world.refreshes[0]?.form.get('resource')).toBe(SERVER)
    expect(world.refreshes[0]?.form.has('scope')).toBe(false)
  })
})

/** Leaves the mark of a process that died in the middle of a redemption. */
async function interrupt(world: World): Promise<void> {
  const { version, record } = (await world.store.get(KEY))!
  const { refreshToken = '' } = record.issuers[ISSUER]!.grant!
  const hash = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(refreshToken)))
  const refreshing = { owner: 'dead', startedAt: world.now, tokenHash: hash.toString('base64url') }
  const credentials = { ...record.issuers[ISSUER], refreshing }
  await world.store.compareAndSet(KEY, version, { ...record, issuers: { [ISSUER]: credentials } })
}

describe('what a failed refresh leaves behind', () => {
  it.each([
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['invalid_grant', 401],
  ])('R-REFRESH-4 %s (%d) is the end of the tokens: a login follows on a 401', async (error, status) => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    world.routes.set(TOKEN, ({ form }) => (form.has('refresh_token') ? json({ error }, status) : undefined))
    expect((await fetch(SERVER)).status).toBe(200)
    expect([world.refreshes.length, world.authorizations.length]).toEqual([1, 2])
    expect(world.count(`POST ${ISSUER}/register`)).toBe(1)
  })

  it.each([
    ['503', () => new Response('', { status: 503 })],
    ['429', () => new Response('', { status: 429, headers: { 'retry-after': '120' } })],
    ['an HTML page', () => new Response('<html>', { status: 200, headers: { 'content-type': 'text/html' } })],
    ['a network fault', () => Promise.reject(new TypeError('fetch failed'))],
    ['invalid_request', () => json({ error: 'invalid_request' }, 400)],
    ['invalid_scope', () => json({ error: 'invalid_scope' }, 400)],
    ['a success without a token', () => json({})],
  ])('R-REFRESH-4 field T12: %s keeps everything, is retryable, and opens no browser', async (_, answer) => {
    const { world, session, fetch } = await loggedIn()
    const before = (await stored(world)).grant
    world.routes.set(TOKEN, answer)
    world.revokeAccessTokens()
    await expect(fetch(SERVER)).rejects.toMatchObject({ retryable: true })
    await expect(session.login({ force: false })).resolves.toMatchObject({ loggedIn: true })
    expect((await stored(world)).grant).toEqual(before)
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-REFRESH-2 counts the lifetime from the request, however long the answer takes', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(TOKEN, () => {
      world.now += 20_000
      return undefined
    })
    world.now += 4_000_000
    const sentAt = world.now
    await session.accessToken()
    expect((await stored(world)).grant).toMatchObject({ obtainedAt: sentAt, expiresAt: sentAt + 3_600_000 })
  })

  it('R-REFRESH-4 honours Retry-After and does not hammer', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(TOKEN, () => new Response('', { status: 429, headers: { 'retry-after': '120' } }))
    world.now += 4_000_000
    for (let call = 0; call < 4; call++) {
      await expect(session.accessToken()).rejects.toMatchObject({ code: 'token_unavailable' })
    }
    expect(world.refreshes).toHaveLength(1)
    world.now += 60_000
    await expect(session.accessToken()).rejects.toMatchObject({ detail: { retryAfterMs: 60_000 } })
    world.routes.delete(TOKEN)
    world.now += 60_000
    expect(await session.accessToken()).toMatch(/^access-/)
  })

  it('R-REFRESH-4 a clock that is set back ends the wait instead of stretching it', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(TOKEN, () => new Response('', { status: 503, headers: { 'retry-after': '10' } }))
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'token_unavailable' })
    world.routes.delete(TOKEN)
    world.now -= 300_000
    expect(await session.accessToken()).toMatch(/^access-/)
  })

  it('R-REFRESH-4 backs off further with every failure', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(TOKEN, () => new Response('', { status: 500 }))
    world.now += 4_000_000
    const waits: number[] = []
    for (let failure = 0; failure < 4; failure++) {
      await session.accessToken().catch(() => undefined)
      const { detail } = await session.accessToken().catch(error => error)
      waits.push(detail.retryAfterMs)
      world.now += detail.retryAfterMs
    }
    expect(world.refreshes).toHaveLength(4)
    for (const [index, wait] of waits.slice(1).entries()) expect(wait).toBeGreaterThan(waits[index]! * 1.1)
  })

  it('R-REFRESH-4 invalid_client drops a dynamic registration, keeps the refresh token, and registers anew at the login, once and logged', async () => {
    const { world, session, fetch } = await loggedIn()
    const { clientId } = await session.status()
    world.routes.set(TOKEN, ({ form }) =>
      form.get('client_id') === clientId ? json({ error: 'invalid_client' }, 401) : undefined,
    )
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    const left = await stored(world)
    expect(left.registration).toBeUndefined()
    expect(left.grant.refreshToken).toBeDefined()
    expect(world.authorizations).toHaveLength(1)
    world.revokeAccessTokens()
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.count(`POST ${ISSUER}/register`)).toBe(2)
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'registered', reason: expect.stringContaining('no longer knew') }),
    )
  })

  it('R-REFRESH-4 after invalid_client a login that was made meanwhile is used, and nobody is asked', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    world.routes.set(TOKEN, async () => {
      const { version, record } = (await world.store.get(KEY))!
      const { registration, grant } = record.issuers[ISSUER]!
      const { refreshToken: _older, ...rest } = grant!
      const newer = { ...rest, grantId: 'newer', accessToken: 'access-other' }
      world.live.add('access-other')
      const credentials = { registration: { ...registration!, clientId: 'other' }, grant: newer }
      await world.store.compareAndSet(KEY, version, { ...record, issuers: { [ISSUER]: credentials } })
      return json({ error: 'invalid_client' }, 401)
    })
    expect((await fetch(SERVER)).status).toBe(200)
    expect(world.authorizations).toHaveLength(1)
    expect((await stored(world)).registration?.clientId).toBe('other')
  })

  it('R-REFRESH-4 invalid_client for a configured client is its own error and opens no browser', async () => {
    const world = new World()
    const { fetch } = world.client({}, { client: { clientId: 'mine', clientSecret: 'old' } })
    world.routes.set(TOKEN, ({ form }) => {
      if (form.has('refresh_token')) return json({ error: 'invalid_client' }, 401)
      return undefined
    })
    await fetch(SERVER)
    world.revokeAccessTokens()
    await expect(fetch(SERVER)).rejects.toMatchObject({
      code: 'token_refused',
      detail: { hint: expect.stringContaining('secret') },
    })
    expect(world.authorizations).toHaveLength(1)
    expect((await stored(world)).grant.refreshToken).toBeDefined()
  })

  it('R-REFRESH-5 field M12: after invalid_grant a store that changed meanwhile is used', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    world.routes.set(TOKEN, async () => {
      const { version, record } = (await world.store.get(KEY))!
      const grant = {
        ...record.issuers[ISSUER]?.grant,
        accessToken: 'access-other',
        refreshToken: 'refresh-other',
      } as any
      world.live.add('access-other')
      await world.store.compareAndSet(KEY, version, { ...record, issuers: { [ISSUER]: { grant } } })
      return json({ error: 'invalid_grant' }, 400)
    })
    expect((await fetch(SERVER)).status).toBe(200)
    expect((await stored(world)).grant.refreshToken).toBe('refresh-other')
    expect(world.authorizations).toHaveLength(1)
  })

  it('R-REFRESH-5 unchanged, the tokens are forgotten and the registration kept', async () => {
    const { world, session } = await loggedIn()
    const { clientId } = await session.status()
    world.refreshTokens.clear()
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect(await stored(world)).toMatchObject({ registration: { clientId }, refreshRefusedAt: world.now })
    expect((await stored(world)).grant).toBeUndefined()
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect(world.refreshes).toHaveLength(1)
  })

  it('R-REFRESH-6 a login after a refused refresh token starts clean: its own is used', async () => {
    const { world, session } = await loggedIn()
    world.refreshTokens.clear()
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ cause: { code: 'refresh_refused' } })
    await session.login()
    world.now += 4_000_000
    expect(await session.accessToken()).toMatch(/^access-/)
    expect([world.refreshes.length, world.authorizations.length]).toEqual([2, 2])
  })

  it('R-REFRESH-6 field T7: an answer without refresh token or scope keeps the old ones and the grant id', async () => {
    const world = new World()
    world.challenge = 'Bearer scope="a"'
    const { session } = await loggedIn(world)
    const before = await stored(world)
    world.routes.set(TOKEN, () => {
      world.live.add('access-next')
      return json({ access_token: 'access-next', token_type: 'Bearer', expires_in: 3600 })
    })
    world.now += 3_599_000
    expect(await session.accessToken()).toBe('access-next')
    const { grant } = await stored(world)
    expect(grant).toMatchObject({ refreshToken: before.grant.refreshToken, scope: 'a', grantId: before.grant.grantId })
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'refreshed', rotated: false }))
  })

  it('R-REFRESH-6 field T8: the rotated token is stored before the new access token is used', async () => {
    const { world, fetch } = await loggedIn()
    world.revokeAccessTokens()
    const live: boolean[] = []
    world.routes.set(`GET ${SERVER}`, async ({ headers }) => {
      const { grant } = await stored(world)
      if (headers.get('authorization') === `Bearer ${grant.accessToken}`)
        live.push(world.refreshTokens.has(grant.refreshToken))
      return undefined
    })
    await fetch(SERVER)
    expect(live.at(-1)).toBe(true)
  })

  it('R-REFRESH-6 a failure to save is an error, and the answer is saved later instead of spending the old token again', async () => {
    const { world, session } = await loggedIn()
    const { compareAndSet } = world.store
    world.store.compareAndSet = (key, version, record) => {
      if (record.issuers[ISSUER]?.refreshing) return compareAndSet(key, version, record)
      throw new StoreError('unwritable', 'disk full', { step: 'save' })
    }
    world.now += 3_599_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'unwritable' })
    const sentAt = world.now
    world.store.compareAndSet = compareAndSet
    world.now += 600_000
    const token = await session.accessToken()
    expect(world.refreshes).toHaveLength(1)
    expect((await stored(world)).grant).toMatchObject({ accessToken: token, expiresAt: sentAt + 3_600_000 })
    expect(world.refreshTokens.has((await stored(world)).grant.refreshToken)).toBe(true)
  })

  it('a compare-and-set that loses is repeated on what the winner wrote', async () => {
    const { world, session } = await loggedIn()
    const { compareAndSet } = world.store
    let lost = 0
    world.store.compareAndSet = async (key, version, record) => {
      if (lost++ < 3) {
        const { version: now, record: there } = (await world.store.get(key))!
        await compareAndSet(key, now, { ...there, pendingLogins: {} })
      }
      return compareAndSet(key, version, record)
    }
    world.now += 3_599_000
    await session.accessToken()
    expect(world.refreshes).toHaveLength(1)
    expect((await world.store.get(KEY))?.record.pendingLogins).toEqual({})
  })

  it('field M3: a lock that is not let go is waited for, never passed over; a token that still works is used meanwhile', async () => {
    const { world, session } = await loggedIn()
    world.store.withLock = async () => {
      throw new StoreError('locked', 'held by another', { step: 'lock' })
    }
    world.now += 3_590_000
    expect(await session.accessToken()).toMatch(/^access-/)
    world.now += 20_000
    await expect(session.accessToken()).rejects.toMatchObject({ name: 'StoreError', code: 'locked' })
    expect(world.refreshes).toHaveLength(0)
  })

  it('field M3: after waiting in vain for the lock, a grant that its holder stored is used', async () => {
    const { world, session } = await loggedIn()
    const { withLock } = world.store
    world.now += 4_000_000
    world.store.withLock = async () => {
      world.store.withLock = withLock
      await world.session().accessToken()
      throw new StoreError('locked', 'held by another', { step: 'lock' })
    }
    expect(await session.accessToken()).toBe((await stored(world)).grant.accessToken)
    expect(world.refreshes).toHaveLength(1)
  })

  it('field D13: after a restart, the issuer of the login is used although its named document is not known any more', async () => {
    const world = new World()
    const custom = 'https://mcp.example.com/custom.json'
    world.challenge = `Bearer resource_metadata="${custom}"`
    world.routes.set(`GET ${custom}`, () => json(world.resourceMetadata))
    world.routes.set('GET https://mcp.example.com/.well-known/oauth-protected-resource/mcp', notFound)
    await loggedIn(world)
    world.now += 4_000_000
    expect(await world.session().accessToken()).toMatch(/^access-/)
  })

  it('compare-and-set conflicts that never end are an error, not a loop', async () => {
    const { world, session } = await loggedIn()
    world.store.compareAndSet = async () => undefined
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ name: 'StoreError', code: 'locked' })
    expect(world.refreshes).toHaveLength(0)
  })

  it('field T13: the same refusal three times makes the login needed, durably', async () => {
    const { world, session } = await loggedIn()
    world.routes.set(TOKEN, () =>
      json({ error: 'invalid_request', error_description: 'refresh_token is invalid' }, 400),
    )
    world.now += 4_000_000
    const codes: string[] = []
    for (let call = 0; call < 4; call++) {
      codes.push(await session.accessToken().catch(error => error.code))
      world.now += 120_000
    }
    expect(codes).toEqual(['token_unavailable', 'token_unavailable', 'login_required', 'login_required'])
    expect(world.refreshes).toHaveLength(3)
    expect(await world.session().status()).toMatchObject({ loggedIn: false })
  })

  it('field T13: giving up on a token does not touch a login that was made meanwhile', async () => {
    const { world, session } = await loggedIn()
    let refusals = 0
    world.routes.set(TOKEN, async () => {
      if (++refusals === 3) {
        const { version, record } = (await world.store.get(KEY))!
        const credentials = record.issuers[ISSUER]!
        const expiresAt = world.now + 3_600_000
        const grant = {
          ...credentials.grant!,
          grantId: 'newer',
          accessToken: 'access-new',
          refreshToken: 'new',
          expiresAt,
        }
        await world.store.compareAndSet(KEY, version, { ...record, issuers: { [ISSUER]: { ...credentials, grant } } })
      }
      return json({ error: 'invalid_request' }, 400)
    })
    world.now += 4_000_000
    const outcomes: string[] = []
    for (let call = 0; call < 3; call++) {
      outcomes.push(await session.accessToken().catch(error => error.code))
      world.now += 120_000
    }
    expect(outcomes).toEqual(['token_unavailable', 'token_unavailable', 'access-new'])
    expect(await session.status()).toMatchObject({ refreshable: true, grantId: 'newer' })
  })

  it('an issuer that the server no longer names gets no refresh token', async () => {
    const { world, session } = await loggedIn()
    world.resourceMetadata = { resource: SERVER, authorization_servers: [OTHER_ISSUER] }
    world.now += 4_000_000
    await expect(session.accessToken()).rejects.toMatchObject({ code: 'login_required' })
    expect(world.refreshes).toHaveLength(0)
  })

  it('a login that another process forgot is not resurrected by an answer that comes late', async () => {
    const { world, session } = await loggedIn()
    const letGo = world.holdTokenEndpoint()
    world.now += 4_000_000
    const wait = session.accessToken()
    await world.until(() => world.refreshes.length === 1)
    const { version } = (await world.store.get(KEY))!
    await world.store.delete(KEY, version)
    letGo()
    await expect(wait).rejects.toMatchObject({ code: 'login_required' })
    expect(await session.status()).toMatchObject({ loggedIn: false })
    expect((await stored(world))?.grant).toBeUndefined()
  })
})

it('R-REFRESH-3 a login that completes before the token is sent is used, and the old token is not sent', async () => {
  const { world, session } = await loggedIn()
  world.now += 4_000_000
  const gate = new EventTarget()
  const opened = new Promise(resolve => gate.addEventListener('open', resolve))
  let asked = false
  world.routes.set(`GET ${ISSUER}/.well-known/oauth-authorization-server`, async () => {
    if (asked) return undefined
    asked = true
    await opened
    return undefined
  })
  const refreshed = session.accessToken()
  await world.until(() => asked)
  await world.session().login({ force: true })
  gate.dispatchEvent(new Event('open'))
  expect(await refreshed).toBe((await stored(world)).grant.accessToken)
  expect(world.refreshes).toHaveLength(0)
})

it('R-REFRESH-6 a login that completes during a refresh is kept, whatever the refresh brings', async () => {
  const { world, session } = await loggedIn()
  const before = (await stored(world)).grant
  world.now += 4_000_000
  let answerRefresh: (() => void) | undefined
  world.routes.set(TOKEN, ({ form }) =>
    form.has('refresh_token')
      ? new Promise(resolve => {
          answerRefresh = () =>
            resolve(json({ access_token: 'late', refresh_token: 'late', token_type: 'Bearer', expires_in: 3600 }))
        })
      : undefined,
  )
  const refreshed = session.accessToken()
  await world.until(() => answerRefresh !== undefined)
  await world.session().login({ force: true })
  const login = (await stored(world)).grant
  expect(login.grantId).not.toBe(before.grantId)
  answerRefresh?.()
  expect(await refreshed).toBe(login.accessToken)
  expect((await stored(world)).grant).toEqual(login)
})
