import { describe, expect, it, vi } from 'vitest'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { LOGIN_LEASE_MS, LOGIN_RENEWAL_MS } from '../../src/oauth/login-turn.ts'
import type { OAuthSession } from '../../src/oauth/session.ts'
import { ISSUER, REDIRECT_URI, SERVER, World } from './world.ts'

const KEY = { server: SERVER, profile: 'default' }
const REGISTER = `POST ${ISSUER}/register`

/** A world in which waiting takes time, and whose person answers when told to. */
function slowWorld() {
  const world = new World()
  const gate = new EventTarget()
  let open = false
  world.routes.set(`GET ${ISSUER}/authorize`, async ({ headers }) => {
    // A look that the client takes by itself is no person.
    if (!open && !headers.has('user-agent')) await new Promise(resolve => gate.addEventListener('open', resolve))
    return undefined
  })
  const sleep = async (ms: number): Promise<void> => {
    world.now += ms
    await new Promise(resolve => setImmediate(resolve))
  }
  return {
    world,
    /** A session of its own, as in another process. */
    process: (options: Parameters<World['session']>[0] = {}, grant: Parameters<World['session']>[1] = {}) =>
      world.session({ sleep, ...options }, grant),
    /** Waiting that does not advance the clock. */
    patient: async () => new Promise<void>(resolve => setTimeout(resolve, 5)),
    approve: () => {
      open = true
      gate.dispatchEvent(new Event('open'))
    },
    waiting: () => world.events.filter(({ type }) => type === 'waitingForLogin').length,
  }
}

describe('field M8: two logins for one record', () => {
  it('open one browser: the second waits on the record and uses what comes of the first', async () => {
    const { world, process, approve, waiting, patient } = slowWorld()
    const first = process().login()
    await world.until(() => world.authorizations.length === 1)
    const second = process({ sleep: patient }).login()
    await world.until(() => waiting() === 1)
    approve()
    const [a, b] = await Promise.all([first, second])
    expect(a).toMatchObject({ loggedIn: true })
    expect(b.grantId).toBe(a.grantId)
    expect(world.authorizations).toHaveLength(1)
    expect(world.events).toContainEqual({ type: 'adopted', issuer: ISSUER, grantId: a.grantId })
  })

  it('field M9: twenty that begin at the same moment open one browser and register one client', async () => {
    const { world, process, approve, waiting, patient } = slowWorld()
    const logins = Array.from({ length: 20 }, () => process({ sleep: patient }).login())
    await world.until(() => waiting() === 19)
    approve()
    expect(new Set((await Promise.all(logins)).map(({ grantId }) => grantId)).size).toBe(1)
    expect(world.authorizations).toHaveLength(1)
    expect(world.count(REGISTER)).toBe(1)
  })

  it('the lock of the record is free while a person is asked, and the note of it goes with the login', async () => {
    const { world, process, approve } = slowWorld()
    const login = process().login()
    await world.until(() => world.authorizations.length === 1)
    expect((await world.store.get(KEY))?.record.loginUnderWay).toMatchObject({ issuer: ISSUER })
    expect(await world.store.withLock(KEY, async () => 'free')).toBe('free')
    approve()
    await login
    expect((await world.store.get(KEY))?.record).not.toHaveProperty('loginUnderWay')
  })

  it('when the first fails, the second asks', async () => {
    const { world, process, approve, waiting } = slowWorld()
    let denied = false
    const consent = world.consent
    world.consent = url => {
      if (denied) return consent(url)
      denied = true
      return { error: 'access_denied' }
    }
    const first = process().login()
    const refused = expect(first).rejects.toMatchObject({ code: 'authorization_refused' })
    await world.until(() => world.authorizations.length === 1)
    const second = process().login()
    await world.until(() => waiting() === 1)
    approve()
    await refused
    expect(await second).toMatchObject({ loggedIn: true })
    expect(world.authorizations).toHaveLength(2)
  })

  it('when the first dies without a word, the second asks after the lease, not after ten minutes', async () => {
    const { world, process, approve } = slowWorld()
    await world.store.compareAndSet(KEY, 0, {
      format: 1,
      ...KEY,
      issuers: {},
      loginUnderWay: { owner: 'dead', issuer: ISSUER, askedAt: world.now, renewedAt: world.now },
    })
    const start = world.now
    approve()
    expect(await process().login()).toMatchObject({ loggedIn: true })
    expect(world.now - start).toBeGreaterThanOrEqual(LOGIN_LEASE_MS - 500)
    expect(world.now - start).toBeLessThan(LOGIN_LEASE_MS + 1_000)
  })

  it('a note from the future, or of a clock that was set, is waited for no longer', async () => {
    const { world, process, approve } = slowWorld()
    const renewedAt = world.now + 3_600_000
    const loginUnderWay = { owner: 'dead', issuer: ISSUER, askedAt: renewedAt, renewedAt }
    await world.store.compareAndSet(KEY, 0, { format: 1, ...KEY, issuers: {}, loginUnderWay })
    approve()
    await process().login()
    expect(world.authorizations).toHaveLength(1)
    expect(world.events.filter(({ type }) => type === 'waitingForLogin')).toEqual([])
  })

  it('does not depend on the clock: an owner that is not seen to renew is gone', async () => {
    const { world, process, approve, patient } = slowWorld()
    const loginUnderWay = { owner: 'dead', issuer: ISSUER, askedAt: world.now, renewedAt: world.now }
    await world.store.compareAndSet(KEY, 0, { format: 1, ...KEY, issuers: {}, loginUnderWay })
    approve()
    expect(await process({ sleep: patient }).login()).toMatchObject({ loggedIn: true })
  })

  it('an owner that renews is waited for beyond the lease', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { world, process, approve } = slowWorld()
      const first = process().login()
      await world.until(() => world.authorizations.length === 1)
      let waitedMs = 0
      const sleep = async (ms: number): Promise<void> => {
        waitedMs += ms
        world.now += ms
        vi.advanceTimersByTime(ms)
        await world.settle()
        if (waitedMs > 3 * LOGIN_LEASE_MS) approve()
      }
      expect(LOGIN_RENEWAL_MS * 3).toBeLessThan(LOGIN_LEASE_MS)
      const second = await process({ sleep }).login()
      expect(second.grantId).toBe((await first).grantId)
      expect(world.authorizations).toHaveLength(1)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('the signal ends the wait, and the first login goes on', async () => {
    const { world, process, approve, waiting, patient } = slowWorld()
    const first = process().login()
    await world.until(() => world.authorizations.length === 1)
    const controller = new AbortController()
    const second = process({ sleep: patient }).login({ signal: controller.signal })
    await world.until(() => waiting() === 1)
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'aborted' })
    approve()
    expect(await first).toMatchObject({ loggedIn: true })
    expect(world.authorizations).toHaveLength(1)
  })

  it('one that is given up lets the next one ask at once', async () => {
    const { world, process, approve } = slowWorld()
    const controller = new AbortController()
    const first = process().login({ signal: controller.signal })
    await world.until(() => world.authorizations.length === 1)
    controller.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })
    approve()
    await world.settle()
    const start = world.now
    expect(await process().login()).toMatchObject({ loggedIn: true })
    expect(world.now - start).toBeLessThan(LOGIN_LEASE_MS)
  })
})

describe('nobody waits for a login that would not serve', () => {
  const logins: [string, (session: OAuthSession) => Promise<unknown>][] = [
    ['a forced one', session => session.login({ force: true })],
    ['one for another scope', session => session.login({ scope: 'files:write' })],
  ]
  it.each(logins)('%s asks at once', async (_, login) => {
    const { world, process, approve, waiting } = slowWorld()
    const first = process().login({ scope: 'files:read' })
    await world.until(() => world.authorizations.length === 1)
    const second = login(process())
    await world.until(() => world.authorizations.length === 2)
    approve()
    await Promise.all([first, second])
    expect(waiting()).toBe(0)
  })

  it('one as another client asks at once', async () => {
    const { world, process, approve, waiting } = slowWorld()
    const first = process().login()
    await world.until(() => world.authorizations.length === 1)
    const second = process({}, { client: { clientId: 'mine' } }).login()
    await world.until(() => world.authorizations.length === 2)
    approve()
    await Promise.all([first, second])
    expect(waiting()).toBe(0)
  })

  it('one of another profile asks at once', async () => {
    const { world, process, approve, waiting } = slowWorld()
    const logins = [process().login(), process({ profile: 'work' }).login()]
    await world.until(() => world.authorizations.length === 2)
    approve()
    const [a, b] = await Promise.all(logins)
    expect(a?.grantId).not.toBe(b?.grantId)
    expect(waiting()).toBe(0)
  })

  it('web hosts begin and finish logins beside each other and beside an interactive one', async () => {
    const { world, process, approve, waiting } = slowWorld()
    const interactive = process().login()
    await world.until(() => world.authorizations.length === 1)
    const host = process()
    const begun = await Promise.all([1, 2].map(() => host.beginLogin({ redirectUri: REDIRECT_URI })))
    expect(new Set(begun.map(({ state }) => state)).size).toBe(2)
    approve()
    for (const { url } of begun)
      expect(await host.finishLogin(await world.approve(url))).toMatchObject({ loggedIn: true })
    await interactive
    expect(waiting()).toBe(0)
  })
})

describe('stage, then swap', () => {
  it('running processes keep calling and refreshing while a person logs in again', async () => {
    const { world, process, approve } = slowWorld()
    approve()
    world.tokenResponse = { expires_in: 120 }
    const running = world.client({ interactive: false })
    await process().login()
    world.routes.set(`GET ${ISSUER}/authorize`, async () => {
      for (let turn = 0; turn < 3; turn++) {
        world.now += 120_000
        expect((await running.fetch(SERVER)).status).toBe(200)
      }
      return undefined
    })
    const before = (await running.session.status()).grantId
    const { grantId } = await process().login({ force: true })
    expect(grantId).not.toBe(before)
    expect(world.refreshes).toHaveLength(3)
    expect((await running.fetch(SERVER)).status).toBe(200)
    expect(await running.session.status()).toMatchObject({ grantId })
  })

  it('field M7: nothing is revoked when a login replaces another', async () => {
    const world = new World()
    const { session } = world.client()
    await session.login()
    await session.login({ force: true })
    expect(world.count(`POST ${ISSUER}/revoke`)).toBe(0)
  })

  it('a login under way is forgotten by a logout: its answer comes too late', async () => {
    const { world, process, approve } = slowWorld()
    const login = process().login()
    const late = expect(login).rejects.toMatchObject({ code: 'authorization_response_invalid' })
    await world.until(() => world.authorizations.length === 1)
    await process().logout()
    expect((await world.store.get(KEY))?.record).not.toHaveProperty('loginUnderWay')
    approve()
    await late
    expect(await process().status()).toMatchObject({ loggedIn: false })
  })
})

it('a request that waits for a login elsewhere is sent with its token, and its clock stands still', async () => {
  const { world, process, approve, waiting, patient } = slowWorld()
  const login = process().login()
  await world.until(() => world.authorizations.length === 1)
  const events: OAuthEvent[] = []
  const client = world.client({ sleep: patient, onEvent: event => void (events.push(event), world.events.push(event)) })
  const interactions: boolean[] = []
  client.fetch.authorization.onInteraction(active => interactions.push(active))
  const call = client.fetch(SERVER, { method: 'POST', body: '{}' })
  await world.until(() => waiting() === 1)
  expect(interactions).toEqual([true])
  approve()
  await login
  expect((await call).status).toBe(200)
  expect(interactions).toEqual([true, false])
  expect(events.some(({ type }) => type === 'loginStarted')).toBe(false)
})
