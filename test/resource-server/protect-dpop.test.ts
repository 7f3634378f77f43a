import { describe, expect, it } from 'vitest'
import { createDpopNonces, TokenError, type TokenVerifier, withDpop } from '../../src/resource-server.ts'
import { proofMaker } from './client-proofs.ts'
import { challengeOf, createWorld, METADATA_URL, RESOURCE } from './protected-world.ts'

const key = await proofMaker()

/** Accepts `bound` and `loose`. */
const inner: TokenVerifier = async ({ token }) => {
  if (token !== 'bound' && token !== 'loose') throw new TokenError('expired', 'x', { step: 'access token' })
  const claims = token === 'bound' ? { cnf: { jkt: key.thumbprint } } : {}
  return { principal: token, scopes: ['read'], claims, token }
}

const proofFor = (url: string, nonce?: string) =>
  key.make({ token: 'bound', now: Date.now(), claims: { htu: url, nonce } })

describe('challenges where proofs of possession are checked (RFC 9449 §7)', () => {
  it('name both schemes with all that there is to say, Bearer first', async () => {
    const response = await createWorld({ verify: withDpop(inner), scopes: ['read'] }).call('tools/list')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /)
    expect(challengeOf(response)).toEqual({ scope: 'read', resource_metadata: METADATA_URL })
    expect(challengeOf(response, 'dpop')).toEqual({
      scope: 'read',
      resource_metadata: METADATA_URL,
      algs: expect.stringContaining('ES256') as string,
    })
  })

  it('name DPoP alone where bearer tokens are refused', async () => {
    const world = createWorld({ verify: withDpop(inner, { required: true }) })
    const response = await world.call('tools/list', {}, 'loose')
    expect([response.status, challengeOf(response)]).toEqual([401, undefined])
    expect(challengeOf(response, 'dpop')?.['error']).toBe('invalid_token')
  })

  it('a bound token as a bearer token is refused', async () => {
    const response = await createWorld({ verify: withDpop(inner) }).call('tools/list', {}, 'bound')
    expect([response.status, challengeOf(response)?.['error']]).toEqual([401, 'invalid_token'])
  })

  it('a proof is checked against the resource, whatever the request looks like here', async () => {
    const world = createWorld({ verify: withDpop(inner), path: '/inner' })
    const send = async (url: string) =>
      world.send({
        method: 'POST',
        url: 'http://10.0.0.7/inner',
        headers: { authorization: 'DPoP bound', dpop: await proofFor(url) },
      })
    expect((await send(RESOURCE)).status).toBe(415)
    const refused = await send('http://10.0.0.7/inner')
    expect([refused.status, challengeOf(refused)]).toEqual([401, undefined])
    expect(challengeOf(refused, 'dpop')?.['error']).toBe('invalid_dpop_proof')
  })

  it('several proofs are refused', async () => {
    const world = createWorld({ verify: withDpop(inner) })
    const dpop = `${await proofFor(RESOURCE)}, ${await proofFor(RESOURCE)}`
    const response = await world.send({ method: 'POST', headers: { authorization: 'DPoP bound', dpop } })
    expect(challengeOf(response, 'dpop')?.['error']).toBe('invalid_dpop_proof')
  })

  it('nonces come with the first challenge, with the one that asks for them, and with every answer', async () => {
    const nonces = createDpopNonces()
    const world = createWorld({ verify: withDpop(inner, { nonces }) })
    const current = await nonces.current()
    expect((await world.call('tools/list')).headers.get('dpop-nonce')).toBe(current)
    const send = async (nonce?: string) =>
      world.send({ method: 'POST', headers: { authorization: 'DPoP bound', dpop: await proofFor(RESOURCE, nonce) } })
    const asked = await send()
    expect([asked.status, asked.headers.get('dpop-nonce')]).toEqual([401, current])
    expect(challengeOf(asked, 'dpop')?.['error']).toBe('use_dpop_nonce')
    const accepted = await send(current)
    expect([accepted.status, accepted.headers.get('dpop-nonce')]).toEqual([415, current])
    expect((await world.callTool('open', 'loose')).headers.get('dpop-nonce')).toBeNull()
  })
})
