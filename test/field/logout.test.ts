import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/testing/faults.ts'
import { createLife } from './life.ts'

describe('field cases: logout', () => {
  it('field L10: revokes the refresh token, then the access token, then forgets', async () => {
    const life = createLife()
    const client = life.client()
    await client.session.login()
    const token = await client.session.accessToken()
    const report = await client.session.logout()
    expect(life.server.requestsTo('revocation').map(({ form }) => form?.get('token_type_hint'))).toEqual([
      'refresh_token',
      'access_token',
    ])
    expect(report.revocations.map(({ ok }) => ok)).toEqual([true, true])
    expect(await client.session.status()).toMatchObject({ loggedIn: false })
    const probe = await life.server.fetch(life.server.mcpUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(probe.status).toBe(401)
  })

  it.each<[string, Fault]>([
    ['a 503', { kind: 'status', status: 503 }],
    ['a failed connection', { kind: 'connection-error' }],
    ['a refusal', { kind: 'oauth-error', error: 'unsupported_token_type' }],
    ['a page', { kind: 'html', status: 404 }],
  ])(
    'field L10: %s at the revocation endpoint is reported and everything is forgotten all the same',
    async (_, fault) => {
      const life = createLife({ faults: { revocation: fault } })
      const client = life.client()
      await client.session.login()
      const report = await client.session.logout()
      expect(report.revocations.map(({ ok, error }) => [ok, typeof error])).toEqual([
        [false, 'string'],
        [false, 'string'],
      ])
      expect(await client.session.status()).toMatchObject({ loggedIn: false })
      const stored = JSON.stringify(await life.store.get({ server: client.session.server, profile: 'default' }))
      expect(stored).not.toContain('canary-access')
      expect(stored).not.toContain('canary-refresh')
    },
  )

  it.each([
    ['the refresh token', 0],
    ['the access token', 1],
  ])('field L11: the other token is revoked although revoking %s failed', async (_, after) => {
    const life = createLife({ faults: { revocation: { kind: 'connection-error', after, times: 1 } } })
    const client = life.client()
    await client.session.login()
    const { revocations } = await client.session.logout()
    expect(revocations.map(({ ok }) => ok)).toEqual([after !== 0, after !== 1])
    expect(life.server.requestsTo('revocation')).toHaveLength(2)
  })

  it('field L10: a server that offers no revocation is said so, and nothing is sent', async () => {
    const life = createLife({ revocationOffered: false })
    const client = life.client()
    await client.session.login()
    const { revocations } = await client.session.logout()
    expect(revocations.map(({ ok }) => ok)).toEqual([false, false])
    expect(life.server.requestsTo('revocation')).toEqual([])
  })
})

describe('logout of the client (RFC 7592)', () => {
  const deletions = (life: ReturnType<typeof createLife>) =>
    life.server.requestsTo('registration').filter(({ method }) => method === 'DELETE')

  it('deletes the registration with its own token, after the tokens were revoked as this client', async () => {
    const life = createLife({ registrationManagement: 'offered' })
    const { session } = life.client()
    await session.login()
    const { clientId = '' } = await session.status()
    const report = await session.logout({ client: true })
    expect(report.deletions).toEqual([{ issuer: life.server.issuer, clientId, ok: true }])
    expect(report.revocations.map(({ ok }) => ok)).toEqual([true, true])
    expect(deletions(life).map(({ headers, status }) => [headers['authorization'], status])).toEqual([
      [expect.stringMatching(/^Bearer canary-registration-token-/), 204],
    ])
    expect(await life.store.list()).toEqual([])
    expect(life.issues('unregistered')).toEqual([
      { type: 'unregistered', issuer: life.server.issuer, clientId, ok: true },
    ])
  })

  it('deletes nothing when only the login is to be forgotten, nor where management is not offered', async () => {
    const kept = createLife({ registrationManagement: 'offered' })
    const { session } = kept.client()
    await session.login()
    expect((await session.logout()).deletions).toEqual([])
    const none = createLife()
    const other = none.client()
    await other.session.login()
    expect(await other.session.logout({ client: true })).toMatchObject({ deletions: [], clientForgotten: true })
    expect([...deletions(kept), ...deletions(none)]).toEqual([])
    expect((await session.logout({ client: true })).deletions).toMatchObject([{ ok: true }])
  })

  it.each<[string, Fault | undefined, boolean]>([
    ['a 405', undefined, false],
    ['a 401', { kind: 'status', status: 401 }, false],
    ['a 500', { kind: 'status', status: 500 }, false],
    ['a failed connection', { kind: 'connection-error' }, false],
    ['a redirect', { kind: 'redirect', to: 'https://elsewhere.example/' }, false],
    ['a 404, for it is gone already', { kind: 'status', status: 404 }, true],
  ])('forgets everything whatever the server says: %s', async (_, fault, ok) => {
    const life = createLife({ registrationManagement: 'refused' })
    const { session } = life.client()
    await session.login()
    if (fault) life.server.set({ faults: { registration: fault } })
    const report = await session.logout({ client: true })
    expect(report.deletions.map(deletion => [deletion.ok, typeof deletion.error])).toEqual([
      [ok, ok ? 'undefined' : 'string'],
    ])
    expect(JSON.stringify(report)).not.toContain('canary-')
    expect(await life.store.list()).toEqual([])
  })

  it('sends the registration token nowhere but to the authorization server', async () => {
    const life = createLife({ registrationManagement: 'offered' })
    const { session } = life.client()
    await session.login()
    const [key] = await life.store.list()
    const found = await life.store.get(key!)
    const stored = JSON.stringify(found!.record).replace(
      /"registrationClientUri":"[^"]*"/,
      '"registrationClientUri":"https://auth-two.example/register"',
    )
    await life.store.compareAndSet(key!, found!.version, JSON.parse(stored))
    const report = await session.logout({ client: true })
    expect(report.deletions).toMatchObject([{ ok: false, error: expect.stringContaining('another origin') }])
    expect(deletions(life)).toEqual([])
  })

  it('deletes the registration of a login that was begun, too', async () => {
    const life = createLife({ registrationManagement: 'offered' })
    const { session } = life.client()
    await session.login()
    await session.beginLogin({ redirectUri: 'http://127.0.0.1:9999/callback' })
    const report = await session.logout({ client: true })
    expect(report.deletions.map(({ ok }) => ok)).toEqual([true, true])
    expect(new Set(report.deletions.map(({ clientId }) => clientId)).size).toBe(2)
  })
})
