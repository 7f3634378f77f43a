import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Fault } from '../../src/testing/faults.ts'
import { createLife, failureOf, until } from './life.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('field cases: failed refreshes', () => {
  const transient: readonly [string, Fault][] = [
    ['a connection that fails', { kind: 'connection-error', code: 'ECONNRESET', times: 1 }],
    ['a 500', { kind: 'status', status: 500, times: 1 }],
    ['a 503 with an invalid_grant body', { kind: 'oauth-error', error: 'invalid_grant', status: 503, times: 1 }],
    ['a 429', { kind: 'status', status: 429, times: 1 }],
    ['a 408', { kind: 'status', status: 408, times: 1 }],
    ['a 403 page', { kind: 'html', status: 403, times: 1 }],
    ['a 200 page', { kind: 'html', times: 1 }],
    ['a 400 without an OAuth error', { kind: 'status', status: 400, times: 1 }],
    ['a 404', { kind: 'status', status: 404, times: 1 }],
    ['temporarily_unavailable', { kind: 'oauth-error', error: 'temporarily_unavailable', times: 1 }],
    ['an error code of its own', { kind: 'oauth-error', error: 'rate_limited', times: 1 }],
    ['a redirect', { kind: 'redirect', to: 'https://login.example', status: 307, times: 1 }],
    ['an answer that is too large', { kind: 'huge-body', bytes: 2_000_000, times: 1 }],
  ]
  it.each(transient)(
    'field T12: %s at the token endpoint keeps the login, asks nobody, and is typed as retryable',
    async (_, fault) => {
      const life = createLife()
      const client = life.client()
      await client.call('echo')
      life.expire()
      life.server.set({ faults: { token: fault } })
      expect(await failureOf(client.call('echo'))).toMatchObject({ name: 'OAuthError', retryable: true })
      expect(await client.session.status()).toMatchObject({ loggedIn: true, refreshable: true })
      life.clock.now += 60_000
      expect((await client.call('echo')).status).toBe(200)
      expect(life.authorizations()).toHaveLength(1)
    },
  )

  it.each<[string, Fault]>([
    ['silence', { kind: 'silent', times: 1 }],
    ['a body that stops', { kind: 'stalled-body', times: 1 }],
  ])('field T12: %s at the token endpoint ends by our own time-out and keeps the login', async (_, fault) => {
    const life = createLife()
    const client = life.client()
    await client.call('echo')
    life.expire()
    life.server.set({ faults: { token: fault } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failure = failureOf(client.call('echo'))
    await until(() => life.refreshes().length === 1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await failure).toMatchObject({ code: 'timeout', retryable: true })
    vi.useRealTimers()
    life.clock.now += 60_000
    expect((await client.call('echo')).status).toBe(200)
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field T12: metadata that is down during a refresh keeps the login, too', async () => {
    const life = createLife()
    await life.client().call('echo')
    life.expire()
    life.server.set({ faults: { 'server-metadata': { kind: 'status', status: 503 } } })
    const client = life.client()
    expect(await failureOf(client.call('echo'))).toMatchObject({ code: 'discovery_unavailable', retryable: true })
    life.server.behave()
    life.clock.now += 60_000
    expect((await client.call('echo')).status).toBe(200)
    expect(life.authorizations()).toHaveLength(1)
  })

  it('field T12: a proactive refresh that fails leaves a working token in use', async () => {
    const life = createLife({ faults: { 'token:refresh_token': { kind: 'status', status: 503 } } })
    const client = life.client()
    await client.call('echo')
    life.clock.now += 3_600_000 - 30_000
    expect((await client.call('echo')).status).toBe(200)
    expect(life.refreshes().length).toBeGreaterThan(0)
    expect(life.authorizations()).toHaveLength(1)
  })

  it.each(['unauthorized_client', 'invalid_grant'])(
    'field T13: %s for a dead refresh token ends in needs-login at once, durably',
    async deadRefreshError => {
      const life = createLife({ deadRefreshError })
      await life.client().call('echo')
      life.server.revokeEverything()
      life.expire()
      const client = life.client({ interactive: false })
      expect(await failureOf(client.call('echo'))).toMatchObject({ code: 'login_required' })
      expect(await life.client().session.status()).toMatchObject({ loggedIn: false })
      await failureOf(life.client({ interactive: false }).call('echo'))
      expect(life.refreshes()).toHaveLength(1)
    },
  )

  it('field T13: a code of its own for a dead refresh token is tried three times, then a login is needed and status says so', async () => {
    const life = createLife({ deadRefreshError: 'invalid_request' })
    const client = life.client({ interactive: false })
    await life.client().call('echo')
    life.server.revokeEverything()
    life.expire()
    const codes: string[] = []
    for (let tries = 0; tries < 4; tries += 1) {
      codes.push((await failureOf(client.session.accessToken())).code)
      life.clock.now += 120_000
    }
    expect(codes).toEqual(['token_unavailable', 'token_unavailable', 'login_required', 'login_required'])
    expect(await client.session.status()).toMatchObject({ loggedIn: false, refreshable: false })
    expect(life.refreshes()).toHaveLength(3)
  })
})
