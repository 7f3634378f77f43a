import { describe, expect, it } from 'vitest'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createLife, deferred, failureOf, until } from './life.ts'

describe('field cases: many sessions', () => {
  it('field M1: sessions over one store spend a rotating refresh token once, and nobody is logged out', async () => {
    const life = createLife({ rotation: 'detecting-reuse' })
    await life.client().session.login()
    const clients = Array.from({ length: 8 }, () => life.client({ interactive: false }))
    for (let hours = 1; hours <= 3; hours += 1) {
      life.expire()
      const answers = await Promise.all(clients.map(client => client.call('echo')))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
      expect(life.refreshes()).toHaveLength(hours)
    }
  })

  it('field M1: the same when every access token is rejected at once', async () => {
    const life = createLife()
    await life.client().session.login()
    const clients = Array.from({ length: 8 }, () => life.client({ interactive: false }))
    await Promise.all(clients.map(client => client.call('echo')))
    life.server.rejectAccessTokens()
    const answers = await Promise.all(clients.map(client => client.call('echo')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(life.refreshes()).toHaveLength(1)
  })

  it('field M2: parallel calls in one session refresh once', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    life.expire()
    await Promise.all([
      ...Array.from({ length: 10 }, () => client.call('echo')),
      client.session.accessToken(),
      client.session.login(),
    ])
    expect(life.refreshes()).toHaveLength(1)
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field M5: logging in to, refreshing and logging out of one server leaves the others alone', async () => {
    const one = createLife()
    const two = createLife({ mcpUrl: 'https://other.example/mcp' })
    const second = two.client({ store: one.store })
    const first = one.client()
    await Promise.all([first.session.login(), second.session.login()])
    one.expire()
    await first.call('echo')
    await first.session.logout({ client: true })
    expect(await second.session.status()).toMatchObject({ loggedIn: true })
    expect((await second.call('echo')).status).toBe(200)
    expect(await first.session.status()).toMatchObject({ loggedIn: false })
  })

  it('field M5: profiles at one server are separate', async () => {
    const life = createLife()
    const alice = life.client({ profile: 'work' })
    const bob = life.client({ profile: 'home', person: { account: 'bob' } })
    await Promise.all([alice.session.login(), bob.session.login()])
    expect([(await alice.call('whoami')).text, (await bob.call('whoami')).text]).toEqual(['alice', 'bob'])
    await alice.session.logout()
    expect((await bob.call('whoami')).text).toBe('bob')
  })

  it('field M7: nothing is revoked when a login is replaced', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    await client.session.login({ force: true })
    await client.call('write')
    expect(life.authorizations()).toHaveLength(3)
    expect(life.server.requestsTo('revocation')).toEqual([])
  })

  it('field M12: the loser of a race without locks uses what the winner stored', async () => {
    const life = createLife({ rotation: 'plain' })
    await life.client().session.login()
    life.expire()
    const held = deferred()
    life.server.set({ faults: { 'token:refresh_token': { kind: 'held-request', until: held.promise, times: 1 } } })
    const store: CredentialStore = { ...life.store, withLock: (_, task) => task() }
    const loser = life.client({ store, interactive: false })
    const lost = loser.call('echo')
    await until(() => life.refreshes().length === 1)
    expect((await life.client({ store, interactive: false }).call('echo')).status).toBe(200)
    held.release()
    expect((await lost).status).toBe(200)
    expect(life.refreshes().map(({ status }) => status)).toEqual([400, 200])
    expect(await loser.session.status()).toMatchObject({ loggedIn: true, refreshable: true })
  })

  it('field M12: an answer that was lost is told as such when the token turns out to be spent', async () => {
    const life = createLife({ rotation: 'plain' })
    await life.client().session.login()
    life.expire()
    life.server.set({ faults: { 'token:refresh_token': { kind: 'lost-answer', times: 1 } } })
    expect(await failureOf(life.client({ interactive: false }).call('echo'))).toMatchObject({
      code: 'network',
      retryable: true,
    })
    life.clock.now += 60_000
    const failure = await failureOf(life.client({ interactive: false }).call('echo'))
    expect(failure.code).toBe('login_required')
    expect(failure.message).toContain('interrupted')
    expect((await life.client().call('echo')).status).toBe(200)
  })
})
