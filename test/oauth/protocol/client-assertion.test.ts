import { describe, expect, it } from 'vitest'
import {
  type ClientAssertionInput,
  createClientAssertion,
  MAX_ASSERTION_SECONDS,
} from '../../../src/oauth/protocol/client-assertion.ts'
import { readJwt, testKey } from '../keys.ts'

const NOW = 1_800_000_000_999
const INPUT: ClientAssertionInput = {
  clientId: 'client',
  key: { key: testKey('P-256').pem, keyId: 'k' },
  audience: 'https://as.example.com/tenant',
  now: NOW,
  randomBytes: length => globalThis.crypto.getRandomValues(new Uint8Array(length)),
}
const claims = async (input: Partial<ClientAssertionInput> = {}) =>
  readJwt(await createClientAssertion({ ...INPUT, ...input })).payload

describe('client assertions', () => {
  it('R-JWT-1 say who, to whom and until when, in whole seconds', async () => {
    const { jti, ...rest } = await claims()
    expect(rest).toEqual({
      iss: 'client',
      sub: 'client',
      aud: 'https://as.example.com/tenant',
      iat: 1_800_000_000,
      exp: 1_800_000_060,
    })
    expect(jti).toMatch(/^[\w-]{22}$/u)
  })

  it('R-JWT-1 every one has a jti of its own', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await claims())['jti']))
    expect(new Set(ids).size).toBe(20)
  })

  it('R-JWT-1 live as long as told, at most five minutes', async () => {
    const lifetime = async (lifetimeSeconds: number) =>
      Number((await claims({ lifetimeSeconds }))['exp']) - 1_800_000_000
    expect(await lifetime(1)).toBe(1)
    expect(await lifetime(59.9)).toBe(59)
    expect(await lifetime(3600)).toBe(MAX_ASSERTION_SECONDS)
    expect(await lifetime(Infinity)).toBe(MAX_ASSERTION_SECONDS)
  })

  it.each([0, -1, 0.5, Number.NaN, null, '60'])('R-JWT-1 a lifetime of %j is refused', async lifetimeSeconds => {
    await expect(claims({ lifetimeSeconds: lifetimeSeconds as number })).rejects.toMatchObject({
      code: 'configuration',
    })
  })

  it('R-JWT-1 sign with what the server verifies', async () => {
    const rejected = claims({ acceptedAlgorithms: ['RS256'] })
    await expect(rejected).rejects.toMatchObject({ code: 'configuration', detail: { received: 'ES256' } })
    expect(await claims({ acceptedAlgorithms: ['RS256', 'ES256'] })).toMatchObject({ sub: 'client' })
  })
})
