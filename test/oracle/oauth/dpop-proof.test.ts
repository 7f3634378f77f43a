import { sign as signWithNode } from 'node:crypto'
import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createDpopProof, type DpopAlgorithm, dpopThumbprint, importDpopKey } from '../../../src/oauth/protocol/dpop.ts'
import { KEY_OF, readJwt, testKey, verifyJwt } from '../../oauth/keys.ts'

const ISSUER = 'https://as.example.com'
const AUDIENCE = 'https://mcp.example.com/mcp'
const SERVER_KEY = testKey('P-256')
const ALGORITHMS: readonly DpopAlgorithm[] = ['ES256', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256']
const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length))
const kept = (algorithm: DpopAlgorithm) => ({ ...testKey(KEY_OF[algorithm]).jwk, alg: algorithm })
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An access token bound to a key, made by hand (RFC 9068, RFC 9449 §6.1). */
function accessTokenFor(thumbprint: string): string {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 's', client_id: 'c', jti: 'j', iat, exp: iat + 60 }
  const input = `${encode({ typ: 'at+jwt', alg: 'ES256' })}.${encode({ ...claims, cnf: { jkt: thumbprint } })}`
  const key = { key: SERVER_KEY.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${signWithNode('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** What an MCP server built on oauth4webapi makes of a request. */
function validate(request: Request): Promise<oauth.JWTAccessTokenClaims> {
  const server = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }
  const jwks = { keys: [SERVER_KEY.publicKey.export({ format: 'jwk' })] }
  return oauth.validateJwtAccessToken(server, request, AUDIENCE, {
    requireDPoP: true,
    [oauth.customFetch]: async () => Response.json(jwks),
  })
}

async function prove(algorithm: DpopAlgorithm, given: { url?: string; method?: string; accessToken?: string } = {}) {
  const thumbprint = await dpopThumbprint(kept(algorithm))
  const { url = AUDIENCE, method = 'POST', accessToken = accessTokenFor(thumbprint) } = given
  const key = await importDpopKey(kept(algorithm))
  const proof = await createDpopProof(key, { method, url, accessToken, nonce: 'n', now: Date.now(), randomBytes })
  return { proof, token: accessTokenFor(thumbprint), accessToken }
}

const requestWith = ({ proof, accessToken }: { proof: string; accessToken: string }, url = AUDIENCE) =>
  new Request(url, { method: 'POST', headers: { authorization: `DPoP ${accessToken}`, dpop: proof } })

describe.each(ALGORITHMS)('proofs with %s', algorithm => {
  it('R-DPOP-1 a server built on oauth4webapi takes them, whatever the query', async () => {
    for (const url of [AUDIENCE, `${AUDIENCE}?session=1#part`]) {
      const proven = await prove(algorithm, { url })
      expect((await validate(requestWith(proven, url))).sub).toBe('s')
    }
  })

  it('R-DPOP-1 node:crypto verifies them with the key that they carry; its thumbprint is that of jose', async () => {
    const { proof } = await prove(algorithm)
    expect(verifyJwt(proof, testKey(KEY_OF[algorithm]).publicKey)).toBe(true)
    const carried = readJwt(proof).header['jwk'] as JWK
    expect(carried).toEqual(testKey(KEY_OF[algorithm]).publicKey.export({ format: 'jwk' }))
    expect(await dpopThumbprint(kept(algorithm))).toBe(await calculateJwkThumbprint(carried))
  })

  it('R-DPOP-1 the same members and types as those of oauth4webapi', async () => {
    const { jwk } = testKey(KEY_OF[algorithm])
    const privateKey = (await importJWK(jwk, algorithm)) as CryptoKey
    const publicJwk = testKey(KEY_OF[algorithm]).publicKey.export({ format: 'jwk' }) as JWK
    const publicKey = (await importJWK(publicJwk, algorithm, { extractable: true })) as CryptoKey
    const handle = oauth.DPoP({}, { privateKey, publicKey })
    const { accessToken, proof } = await prove(algorithm)
    let theirs = ''
    const fetch = async (_url: string, { headers }: { headers: Record<string, string> }) => {
      theirs = new Headers(headers).get('dpop') ?? ''
      return new Response('', { status: 200, headers: { 'dpop-nonce': 'n' } })
    }
    const options = { DPoP: handle, [oauth.customFetch]: fetch as never }
    const send = () =>
      oauth.protectedResourceRequest(accessToken, 'POST', new URL(AUDIENCE), new Headers(), null, options)
    // The first answer brings the nonce.
    await send()
    await send()
    const types = (object: object) =>
      Object.fromEntries(Object.entries(object).map(([name, value]) => [name, typeof value]))
    expect(types(readJwt(proof).payload)).toEqual(types(readJwt(theirs).payload))
    for (const name of ['htm', 'htu', 'ath', 'nonce']) {
      expect(readJwt(proof).payload[name]).toEqual(readJwt(theirs).payload[name])
    }
    expect(readJwt(proof).header).toEqual(readJwt(theirs).header)
  })
})

describe('the oracle is not blind', () => {
  it('R-DPOP-1 it takes no proof for another URL, method, token or key', async () => {
    const good = await prove('ES256')
    const others = [
      await prove('ES256', { url: `${AUDIENCE}/other` }),
      await prove('ES256', { method: 'GET' }),
      { ...(await prove('ES256', { accessToken: 'another' })), accessToken: good.accessToken },
      { ...(await prove('ES384')), accessToken: good.accessToken },
    ]
    for (const proven of others) await expect(validate(requestWith(proven))).rejects.toThrow(/DPoP|mismatch/u)
  })
})
