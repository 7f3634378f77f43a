import { describe, expect, it } from 'vitest'
import { createDpopKeys } from '../../src/oauth/dpop-key.ts'
import { createDpopNonces, type NonceRole } from '../../src/oauth/dpop-nonces.ts'

const AUTHORIZATION: NonceRole = 'authorization server'
const RESOURCE: NonceRole = 'resource server'
const headers = (nonce: string) => new Headers({ 'dpop-nonce': nonce })

describe('nonces of a session', () => {
  it('R-DPOP-1 are kept apart by origin, and on one origin by role', () => {
    const nonces = createDpopNonces()
    expect(nonces.note(AUTHORIZATION, 'https://one.example/token', headers('a'))).toBe('a')
    expect(nonces.get(RESOURCE, 'https://one.example/token')).toBeUndefined()
    nonces.note(RESOURCE, 'https://one.example/mcp', headers('r'))
    expect(nonces.get(AUTHORIZATION, new URL('https://one.example/par?x=y'))).toBe('a')
    expect(nonces.get(RESOURCE, 'https://one.example/other')).toBe('r')
    for (const other of ['http://one.example/', 'https://one.example:8443/', 'https://two.example/']) {
      expect(nonces.get(AUTHORIZATION, other)).toBeUndefined()
    }
  })

  it('R-DPOP-1 the last one counts; an answer without one, or with a hostile one, changes nothing', () => {
    const nonces = createDpopNonces()
    for (const nonce of ['a', 'b']) nonces.note(RESOURCE, 'https://one.example', headers(nonce))
    expect(nonces.note(RESOURCE, 'https://one.example', new Headers())).toBeUndefined()
    expect(nonces.note(RESOURCE, 'https://one.example', headers('x y'))).toBeUndefined()
    expect(nonces.get(RESOURCE, 'https://one.example')).toBe('b')
  })

  it('R-DPOP-1 are bounded: of many servers the one heard of longest ago is forgotten', () => {
    const nonces = createDpopNonces()
    const server = (number: number) => `https://server-${number}.example`
    for (let number = 0; number < 32; number++) nonces.note(RESOURCE, server(number), headers(`n${number}`))
    nonces.note(RESOURCE, server(0), headers('again'))
    nonces.note(RESOURCE, server(32), headers('one more'.replace(' ', '-')))
    expect(nonces.get(RESOURCE, server(0))).toBe('again')
    expect(nonces.get(RESOURCE, server(1))).toBeUndefined()
    expect(nonces.get(RESOURCE, server(2))).toBe('n2')
  })
})

describe('keys of a session', () => {
  const damaged = { kty: 'EC', alg: 'ES256', crv: 'P-256', x: 'x', y: 'y', d: 'd' }

  it('R-DPOP-1 a damaged key is an error each time it is asked for', async () => {
    const keys = createDpopKeys()
    for (let turn = 0; turn < 2; turn++) {
      await expect(keys.ready(damaged)).rejects.toMatchObject({ code: 'login_required' })
    }
  })

  it('a key is made ready once, and the last few are remembered', async () => {
    const keys = createDpopKeys()
    const { publicKey: _, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])
    const jwk = { ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES256' }
    const first = keys.ready(jwk)
    expect(keys.ready({ ...jwk })).toBe(first)
    await first
    for (let number = 0; number < 4; number++) await keys.ready({ ...damaged, x: `x${number}` }).catch(() => undefined)
    expect((await keys.ready(jwk)).algorithm).toBe('ES256')
  })
})
