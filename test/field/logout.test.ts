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
