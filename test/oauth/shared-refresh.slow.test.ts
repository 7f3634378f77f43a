import { describe, expect, it } from 'vitest'
import type { CredentialStore, RefreshMark } from '../../src/oauth/store/credential-store.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'
import { isExpiring } from '../../src/oauth/token-lifetime.ts'
import { createLife, deferred, failureOf, type Life } from '../field/life.ts'

const MANY = 200
const HOUR_MS = 3_600_000

/** The store of `life`, and how often it was read. */
function counting(life: Life): CredentialStore & { reads: number } {
  const store = {
    ...life.store,
    reads: 0,
    get: (key: Parameters<CredentialStore['get']>[0]) => {
      store.reads++
      return life.store.get(key)
    },
  }
  return store
}

/** Leaves the mark of a process that died, or hangs, in the middle of a redemption. */
async function mark(life: Life, given: Partial<RefreshMark> = {}): Promise<void> {
  const key = { server: life.server.mcpUrl, profile: 'default' }
  const { version, record } = (await life.store.get(key))!
  const { issuer } = life.server
  const { grant, ...credentials } = record.issuers[issuer]!
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(grant!.refreshToken))
  const tokenHash = Buffer.from(hash).toString('base64url')
  const refreshing = { owner: 'somebody', startedAt: life.clock.now, tokenHash, ...given }
  const issuers = { [issuer]: { ...credentials, grant: grant!, refreshing } }
  await life.store.compareAndSet(key, version, { ...record, issuers })
}

describe('one process, many calls', () => {
  it(`field M2: ${MANY} concurrent calls on an expired token make one refresh, and all succeed`, async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    life.expire()
    const answers = await Promise.all(Array.from({ length: MANY }, () => client.call('echo')))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(life.refreshes().map(({ status }) => status)).toEqual([200])
    expect(life.authorizations()).toHaveLength(1)
  })

  it(`field M2: ${MANY} concurrent calls whose token the server rejects make one refresh, and all succeed`, async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    life.server.rejectAccessTokens()
    const answers = await Promise.all(Array.from({ length: MANY }, () => client.call('echo')))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(life.refreshes().map(({ status }) => status)).toEqual([200])
    expect(life.authorizations()).toHaveLength(1)
  })

  it(`field S1: ${MANY} concurrent calls that lack a scope make one authorization, and all succeed`, async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    const answers = await Promise.all(Array.from({ length: MANY }, () => client.call('write')))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(life.authorizations()).toHaveLength(2)
    expect(life.refreshes()).toEqual([])
  })
})

describe('what other processes do', () => {
  it('field M4: after a long sleep sessions that wake together make one redemption', async () => {
    const life = createLife()
    await life.client().session.login()
    const clients = Array.from({ length: 12 }, () => life.client({ interactive: false }))
    for (const client of clients) await client.call('echo')
    life.clock.now += 8 * HOUR_MS
    const answers = await Promise.all(clients.flatMap(client => [client.call('echo'), client.call('whoami')]))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(life.refreshes()).toHaveLength(1)
  })

  it('field M4: sessions do not find the same moment early enough to refresh', () => {
    const grant = { grantId: 'g', accessToken: 'a', tokenType: 'Bearer', obtainedAt: 0, expiresAt: HOUR_MS } as const
    const firstAt = (random: number): number => {
      let now = 0
      while (!isExpiring(grant, now, random)) now += 1_000
      return now
    }
    expect([firstAt(0), firstAt(0.5), firstAt(0.999)]).toEqual([3_540_000, 3_537_000, 3_535_000])
  })

  it.each([
    [1_000, 0, 899, false],
    [1_000, 0, 900, true],
    [1_000, 0.999, 889, false],
    [1_000, 0.999, 891, true],
    [1, 0, 0, false],
    [0, 0, 0, true],
  ])(
    'field T19: a token that lives %d ms (jitter %d) is expiring after %d ms: %s',
    (lifetime, random, age, expected) => {
      const grant = { grantId: 'g', accessToken: 'a', tokenType: 'Bearer', obtainedAt: 0, expiresAt: lifetime } as const
      expect(isExpiring(grant, age, random)).toBe(expected)
    },
  )

  it('a call with a live token reads the store no more than once a second', async () => {
    const life = createLife()
    await life.client().session.login()
    const store = counting(life)
    const client = life.client({ store })
    await client.call('echo')
    store.reads = 0
    for (let call = 0; call < 50; call++) {
      life.clock.now += 100
      await client.call('echo')
    }
    expect(store.reads).toBeGreaterThan(0)
    expect(store.reads).toBeLessThanOrEqual(5)
  })

  it('field L11: a logout in another process is learned within a second, though the server revokes nothing', async () => {
    const life = createLife({ revocationOffered: false })
    await life.client().session.login()
    const client = life.client({ interactive: false })
    await client.call('echo')
    await life.client().session.logout()
    life.clock.now += 1_000
    expect(await failureOf(client.call('echo'))).toMatchObject({ code: 'login_required' })
  })

  it('field M11: a login as somebody else in another process is used within a second', async () => {
    const life = createLife()
    await life.client().session.login()
    const client = life.client({ interactive: false })
    expect((await client.call('whoami')).text).not.toBe('bob')
    await life.client({ person: { account: 'bob' } }).session.login({ force: true })
    life.clock.now += 1_000
    expect((await client.call('whoami')).text).toBe('bob')
  })

  it('a store that cannot be read stops no token that works, and is an error when it ends', async () => {
    const life = createLife()
    await life.client().session.login()
    let broken = false
    const failure = new StoreError('unreadable', 'The store is away.', { step: 'read credentials' })
    const get: CredentialStore['get'] = key => (broken ? Promise.reject(failure) : life.store.get(key))
    const client = life.client({ store: { ...life.store, get } })
    await client.call('echo')
    broken = true
    life.clock.now += 5_000
    expect((await client.call('echo')).status).toBe(200)
    life.expire()
    expect(await failureOf(client.call('echo'))).toBe(failure)
  })

  it('field M8: while somebody else redeems, a token that still works is used without waiting', async () => {
    const life = createLife()
    await life.client().session.login()
    await mark(life)
    life.clock.now += HOUR_MS - 30_000
    const withLock: CredentialStore['withLock'] = () => Promise.reject(new Error('it waited for the lock'))
    const client = life.client({ store: { ...life.store, withLock }, interactive: false })
    expect((await client.call('echo')).status).toBe(200)
    expect(life.refreshes()).toEqual([])
  })

  it('field M8: while its own redemption hangs, a session goes on with a token that still works', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    const held = deferred()
    life.server.set({ faults: { 'token:refresh_token': { kind: 'held-answer', until: held.promise, times: 1 } } })
    life.clock.now += HOUR_MS - 30_000
    const answer = await client.call('echo')
    expect(answer.status).toBe(200)
    expect(life.refreshes()).toHaveLength(1)
    held.release()
    await client.session.close()
    expect(await client.session.status()).toMatchObject({ refreshable: true, expiresAt: life.clock.now + HOUR_MS })
  })

  it('field M12: a mark that is about an earlier refresh token says nothing about this one', async () => {
    const life = createLife()
    await life.client().session.login()
    await mark(life, { tokenHash: 'of another' })
    life.expire()
    life.server.revokeEverything()
    const failure = await failureOf(life.client({ interactive: false }).call('echo'))
    expect(failure.code).toBe('login_required')
    expect(failure.message).not.toContain('interrupted')
  })

  it('field T23: a token that lived shorter than the request took is no fresh token rejected', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    let slow = 0
    const fetch: typeof globalThis.fetch = (input, init) => {
      // The first two requests arrive when their tokens have ended.
      if (input === life.server.mcpUrl && slow++ < 2) life.clock.now += HOUR_MS
      return life.server.fetch(input, init)
    }
    expect((await life.client({ fetch, interactive: false }).call('echo')).status).toBe(200)
    expect(life.refreshes()).toHaveLength(2)
  })
})
