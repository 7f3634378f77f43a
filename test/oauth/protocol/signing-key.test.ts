import { generateKeyPairSync } from 'node:crypto'
import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import { SIGNING_ALGORITHMS } from '../../../src/oauth/protocol/key-algorithms.ts'
import {
  assertPrivateKey,
  type ClientKey,
  type PrivateKey,
  type SigningAlgorithm,
  signJwt,
} from '../../../src/oauth/protocol/signing-key.ts'
import { KEY_OF, readJwt, testKey, verifyJwt } from '../keys.ts'

const JWT = { header: { typ: 'JWT' }, payload: { iss: 'c' } }
const sign = (key: PrivateKey, options: Omit<ClientKey, 'key'> = {}, accepted?: readonly string[]) =>
  signJwt({ key, ...options }, JWT, accepted)
const algorithmOf = async (jwt: Promise<string>) => readJwt(await jwt).header['alg']

/** What `signJwt` and `assertPrivateKey` say; every word of it. */
async function refusal(key: unknown, options: Omit<ClientKey, 'key'> = {}, accepted?: readonly string[]) {
  const error = await sign(key as PrivateKey, options, accepted).then(
    () => new Error('was accepted'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(OAuthError)
  const { code, message, detail } = error as OAuthError
  expect(code).toBe('configuration')
  return { ...detail, text: message + JSON.stringify(detail) }
}

describe('what a PEM may look like', () => {
  const { pem, publicKey } = testKey('P-256')
  it.each([
    ['as openssl writes it', pem],
    ['with CRLF', pem.replaceAll('\n', '\r\n')],
    ['indented, after a blank line', `\n  \t${pem.replaceAll('\n', '\n    ')}`],
    ['behind a byte order mark', `\uFEFF${pem}`],
    ['behind the attributes of an exported bag', `Bag Attributes\n  friendlyName: me\n${pem}`],
    ['on one line, with escaped line breaks', pem.replaceAll('\n', String.raw`\n`)],
    ['on one line, without any', pem.replaceAll('\n', '')],
  ])('R-JWT-1 signs with a PEM %s', async (_, key) => {
    expect(() => assertPrivateKey({ key })).not.toThrow()
    expect(verifyJwt(await sign(key), publicKey)).toBe(true)
  })

  it.each([
    ['RSA PRIVATE KEY', testKey(2048).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['EC PRIVATE KEY', testKey('P-256').privateKey.export({ type: 'sec1', format: 'pem' }).toString()],
    [
      'ENCRYPTED PRIVATE KEY',
      testKey('P-256')
        .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
        .toString(),
    ],
  ])('R-JWT-1 a PEM with %s is refused at construction with what to do, and not quoted', async (label, key) => {
    expect(() => assertPrivateKey({ key })).toThrow(expect.objectContaining({ code: 'configuration' }))
    const refused = await refusal(key)
    expect(refused.received).toBe(label)
    expect(refused.hint).toContain('openssl pkcs8')
    expect(refused.text).not.toContain(key.split('\n')[3])
  })

  it('R-JWT-1 a damaged PEM is refused without being quoted', async () => {
    const canary = 'Q0FOQVJZY2FuYXJ5Q0FOQVJZ'
    const refused = await refusal(`-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`)
    expect(refused.received).toContain('damaged')
    expect(refused.text).not.toContain(canary)
    expect((await refusal('canary-text')).text).not.toContain('canary')
  })
})

describe('what is no key to sign with', () => {
  const { jwk } = testKey('P-256')
  const { d: _, ...publicJwk } = jwk
  it.each<[string, unknown]>([
    ['a public JWK', publicJwk],
    ['a symmetric JWK', { kty: 'oct', k: 'c2VjcmV0LWNhbmFyeQ' }],
    ['a symmetric JWK in disguise', { kty: 'oct', k: 'c2VjcmV0LWNhbmFyeQ', d: 'x', alg: 'ES256' }],
    ['a JWK for encryption', { ...jwk, use: 'enc' }],
    ['a JWK whose operations hold no signing', { ...jwk, key_ops: ['deriveBits'] }],
    ['a JWK with another algorithm', { ...testKey(2048).jwk, alg: 'RSA-OAEP-256' }],
    ['a JWK with the algorithm none', { ...jwk, alg: 'none' }],
    ['a JWK on a curve of another algorithm', { ...testKey('P-384').jwk, alg: 'ES256' }],
    ['a JWK on secp256k1', testKey('secp256k1').jwk],
    ['a curve that is named like a method', { kty: 'EC', crv: 'constructor', d: 'x' }],
    ['a PEM on secp256k1', testKey('secp256k1').pem],
    ['the public key of a pair', testKey('P-256').publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['an X25519 key', generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a signer of the algorithm none', { algorithm: 'none', sign: async () => new Uint8Array() }],
    ['a signer without an algorithm', { sign: async () => new Uint8Array(64) }],
    ['an algorithm without a signer', { algorithm: 'ES256' }],
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['a list', []],
  ])('R-JWT-1 %s is refused', async (_name, key) => {
    const { text } = await refusal(key)
    expect(text).not.toContain('c2VjcmV0LWNhbmFyeQ')
    if (typeof (key as JWK | undefined)?.d === 'string') expect(text).not.toContain(`"${(key as JWK).d}"`)
  })

  it('R-JWT-1 the key of a CryptoKey must sign and be one of ours', async () => {
    const { subtle } = globalThis.crypto
    const p256 = { name: 'ECDH', namedCurve: 'P-256' }
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    const agreement = await subtle.generateKey(p256, false, ['deriveBits'])
    const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    for (const key of [pair.publicKey, agreement.privateKey, hmac]) await refusal(key)
  })

  it.each([['PEM', testKey(1024).pem] as const, ['JWK', testKey(1024).jwk] as const])(
    'R-JWT-1 an RSA key below 2048 bits is refused as such: %s (RFC 7518 §3.3)',
    async (_name, key) => {
      for (const accepted of [undefined, ['RS256'], ['ES256']]) {
        expect(await refusal(key, {}, accepted)).toMatchObject({ received: '1024 bits' })
      }
    },
  )

  it.each(['none', 'HS256', '', 'constructor'])('R-JWT-1 the algorithm %j is refused', async algorithm => {
    const given = { algorithm: algorithm as SigningAlgorithm }
    await refusal(testKey('P-256').pem, given)
    await refusal({ algorithm: 'ES256', sign: async () => new Uint8Array(64) }, given)
  })

  it('R-JWT-1 an algorithm that the key does not have is refused at construction', async () => {
    const remote = { algorithm: 'ES256', sign: async () => new Uint8Array(256) } as const
    expect(() => assertPrivateKey({ key: remote, algorithm: 'RS256' })).toThrow('does not sign with RS256')
    expect(() => assertPrivateKey({ key: jwk, algorithm: 'ES384' })).toThrow('does not sign with ES384')
    await refusal(testKey('P-256').pem, { algorithm: 'ES384' })
  })
})

describe('which algorithm', () => {
  it('R-JWT-1 the first of the key that the server accepts', async () => {
    expect(await algorithmOf(sign(testKey(2048).jwk, {}, ['RS256', 'PS256']))).toBe('PS256')
    expect(await algorithmOf(sign(testKey(2048).pem, {}, ['ES256', 'RS512']))).toBe('RS512')
    expect(await algorithmOf(sign(testKey('Ed25519').pem, {}, ['Ed25519']))).toBe('Ed25519')
    expect(await algorithmOf(sign(testKey(2048).pem, { algorithm: 'PS384' }, ['RS256', 'PS384']))).toBe('PS384')
  })

  it('R-JWT-1 RS256 of an RSA key when the server says nothing (RFC 8414 §2), the only one of others', async () => {
    expect(await algorithmOf(sign(testKey(2048).pem))).toBe('RS256')
    expect(await algorithmOf(sign(testKey(2048).jwk))).toBe('RS256')
    expect(await algorithmOf(sign({ ...testKey(2048).jwk, alg: 'PS512' }))).toBe('PS512')
    expect(await algorithmOf(sign(testKey('P-521').pem))).toBe('ES512')
    expect(await algorithmOf(sign(testKey('Ed25519').jwk))).toBe('EdDSA')
  })

  it.each(['pem', 'jwk'] as const)('R-JWT-1 says when the server accepts none of a %s', async form => {
    const refused = await refusal(testKey('P-256')[form], {}, ['RS256', 'PS256', 'ES384'])
    expect(refused).toMatchObject({ expected: 'RS256, PS256, ES384', received: 'ES256' })
    expect(await refusal(testKey('P-256')[form], {}, [])).toMatchObject({ received: 'ES256' })
  })

  it('names the key by its own kid, or as told, and never by what is no text', async () => {
    const { jwk } = testKey('P-256')
    const kidOf = async (key: PrivateKey, keyId?: string) =>
      readJwt(await sign(key, keyId === undefined ? {} : { keyId })).header['kid']
    expect(await kidOf({ ...jwk, kid: 'own' })).toBe('own')
    expect(await kidOf({ ...jwk, kid: 'own' }, 'told')).toBe('told')
    expect(await kidOf(jwk)).toBeUndefined()
    expect(await kidOf({ ...jwk, kid: 5 as never })).toBeUndefined()
  })

  it('R-JWT-1 a JWK may say that it signs and verifies', async () => {
    const { jwk, publicKey } = testKey('P-256')
    const key = { ...jwk, use: 'sig', key_ops: ['sign', 'verify'], ext: true, alg: 'ES256' }
    expect(verifyJwt(await sign(key), publicKey)).toBe(true)
  })

  it.each(SIGNING_ALGORITHMS)('R-JWT-1 %s: the header holds nothing of the key', async alg => {
    const { pem, jwk } = testKey(KEY_OF[alg])
    for (const key of [pem, jwk]) {
      const jwt = await sign(key, { algorithm: alg, keyId: 'k' })
      expect(readJwt(jwt).header).toEqual({ typ: 'JWT', alg, kid: 'k' })
    }
  })

  it('does not change the key that it was given', async () => {
    const jwk = Object.freeze({ ...testKey('P-256').jwk, key_ops: Object.freeze(['sign', 'verify']) as string[] })
    expect(await algorithmOf(sign(jwk))).toBe('ES256')
    expect(jwk.key_ops).toEqual(['sign', 'verify'])
  })
})
