import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import {
  chooseDpopAlgorithm,
  createDpopProof,
  DPOP_ALGORITHMS,
  type DpopAlgorithm,
  type DpopProofInput,
  dpopThumbprint,
  generateDpopJwk,
  importDpopKey,
  readDpopNonce,
} from '../../../src/oauth/protocol/dpop.ts'
import { readJwt, testKey, verifyJwt } from '../keys.ts'

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const JWK = { ...testKey('P-256').jwk, alg: 'ES256' }
const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length))
const proof = async (input: Partial<DpopProofInput> = {}) =>
  createDpopProof(await importDpopKey(JWK), {
    method: 'POST',
    url: 'https://mcp.example.com/mcp',
    now: 1_800_000_000_999,
    randomBytes,
    ...input,
  })
const claims = async (input?: Partial<DpopProofInput>) => readJwt(await proof(input)).payload

describe('which algorithm', () => {
  const list = fc.option(fc.array(fc.constantFrom(...DPOP_ALGORITHMS, 'none', 'HS256', 'es256', '')), {
    nil: undefined,
  })

  it('R-DPOP-1 property: known to all with an opinion, and none that is known to all is wanted more', () => {
    fc.assert(
      fc.property(fc.array(list, { maxLength: 3 }), lists => {
        const common = DPOP_ALGORITHMS.filter(each => lists.every(known => known?.includes(each) ?? true))
        expect(chooseDpopAlgorithm(...lists)).toBe(common[0])
      }),
    )
  })

  it('R-DPOP-1 ES256 where nobody says anything; nothing where somebody knows nothing, or no asymmetric one', () => {
    expect(chooseDpopAlgorithm()).toBe('ES256')
    expect(chooseDpopAlgorithm(undefined, undefined)).toBe('ES256')
    expect(chooseDpopAlgorithm([], undefined)).toBeUndefined()
    expect(chooseDpopAlgorithm(['none', 'HS256'])).toBeUndefined()
    expect(chooseDpopAlgorithm(['RS256', 'PS256'], ['RS256', 'ES256'])).toBe('RS256')
  })
})

describe('keys', () => {
  // The keys of PS256 are those of RS256, and take a while to make.
  it.each(DPOP_ALGORITHMS.filter(each => each !== 'PS256'))(
    'R-DPOP-1 %s: kept as a JWK, used as a key that cannot be taken out',
    async algorithm => {
      const jwk = await generateDpopJwk(algorithm)
      expect(jwk['alg']).toBe(algorithm)
      const key = await importDpopKey(JSON.parse(JSON.stringify(jwk)))
      expect(key.privateKey).toMatchObject({ type: 'private', extractable: false })
      expect(PRIVATE_MEMBERS.filter(name => name in key.publicJwk)).toEqual([])
      expect(await dpopThumbprint(jwk)).toBe(await calculateJwkThumbprint(jwk as JWK))
      expect(await dpopThumbprint(key.publicJwk as never)).toBe(await dpopThumbprint(jwk))
    },
  )

  it('an algorithm that the platform does not have is said so', async () => {
    await expect(generateDpopJwk('ES256K' as DpopAlgorithm)).rejects.toMatchObject({ code: 'dpop_unsupported' })
  })

  const { d: _, ...publicJwk } = JWK
  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['a public key', publicJwk],
    ['a key without an algorithm', testKey('P-256').jwk],
    ['a symmetric key', { kty: 'oct', k: 'canary-canary', alg: 'ES256' }],
    ['another algorithm', { ...JWK, alg: 'HS256' }],
    ['the algorithm none', { ...JWK, alg: 'none' }],
    ['another curve', { ...JWK, alg: 'ES384' }],
    ['a curve that nobody supports', { ...testKey('secp256k1').jwk, alg: 'ES256' }],
    ['a damaged number', { ...JWK, d: 'canary-canary' }],
  ])('R-DPOP-1 a kept key that is %s needs a new login, and is not quoted', async (_name, jwk) => {
    const error: unknown = await importDpopKey(jwk).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'login_required' })
    expect(String(error) + JSON.stringify(error)).not.toContain('canary')
  })

  it('property: whatever was kept, the error is ours', async () => {
    const member = fc.oneof(fc.constantFrom(...Object.values(JWK), 'RSA', 'OKP', 'oct'), fc.jsonValue({ maxDepth: 1 }))
    const jwk = fc.dictionary(fc.constantFrom(...Object.keys(JWK), 'k', 'n', 'e', 'use', 'key_ops', 'ext'), member)
    await fc.assert(
      fc.asyncProperty(jwk, fc.boolean(), async (generated, based) => {
        const kept = based ? { ...JWK, ...generated } : generated
        const error: unknown = await importDpopKey(kept).catch((thrown: unknown) => thrown)
        if (error instanceof Error) expect(error).toBeInstanceOf(OAuthError)
      }),
    )
  })
})

describe('proofs', () => {
  it('R-DPOP-1 hold what RFC 9449 §4.2 asks for, and nothing else', async () => {
    const jwt = await proof()
    const { header, payload } = readJwt(jwt)
    const { kty, crv, x, y } = JWK
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/u),
      htm: 'POST',
      htu: 'https://mcp.example.com/mcp',
      iat: 1_800_000_000,
    })
    expect(verifyJwt(jwt, testKey('P-256').publicKey)).toBe(true)
  })

  it('R-DPOP-1 with a token its hash, with a nonce the nonce', async () => {
    const ath = createHash('sha256').update('token~+/=').digest('base64url')
    expect(await claims({ accessToken: 'token~+/=', nonce: 'n' })).toMatchObject({ ath, nonce: 'n' })
  })

  it('R-DPOP-1 every one has a jti of its own', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await claims())['jti']))
    expect(new Set(ids).size).toBe(20)
  })

  it('R-DPOP-1 property: htu never holds query, fragment or user name, and is the URL otherwise', async () => {
    const text = (pattern: RegExp) => fc.stringMatching(pattern)
    const url = fc
      .tuple(
        fc.constantFrom('https://mcp.example.com', 'http://127.0.0.1:8080', 'https://[::1]:8443'),
        fc.array(text(/^[\w@:;,.~%20é-]{0,8}$/u), { maxLength: 3 }),
        text(/^(\?[ -~]{0,20})?(#[ -~]{0,20})?$/u),
        fc.boolean(),
      )
      .map(([origin, path, rest, named]) => {
        const parsed = new URL(`${origin}/${path.join('/')}${rest}`)
        if (named) [parsed.username, parsed.password] = ['user', 'password']
        return parsed
      })
    await fc.assert(
      fc.asyncProperty(url, async generated => {
        const htu = new URL(String((await claims({ url: generated }))['htu']))
        expect([htu.search, htu.hash, htu.username, htu.password]).toEqual(['', '', '', ''])
        expect(htu.href).not.toMatch(/[?#]/u)
        expect([htu.origin, htu.pathname]).toEqual([generated.origin, generated.pathname])
      }),
    )
  })
})

describe('nonces', () => {
  const read = (value: string) => readDpopNonce(new Headers({ 'dpop-nonce': value }))

  it('R-DPOP-1 are taken as they are', () => {
    expect(read('eyJ7S_zG.eyJH0-Z.HX4w-7v')).toBe('eyJ7S_zG.eyJH0-Z.HX4w-7v')
    expect(read('!#[]~,:')).toBe('!#[]~,:')
    expect(readDpopNonce(new Headers())).toBeUndefined()
  })

  it.each(['', 'a b', 'a, b', 'a"b', String.raw`a\b`, 'a\tb', 'nö', 'a'.repeat(1025)])(
    'R-DPOP-1 %j is none (RFC 9449 §8.1)',
    value => {
      expect(read(value)).toBeUndefined()
    },
  )

  it('R-DPOP-1 two at once are none', () => {
    const headers = new Headers([
      ['dpop-nonce', 'one'],
      ['dpop-nonce', 'two'],
    ])
    expect(readDpopNonce(headers)).toBeUndefined()
  })

  it('R-DPOP-1 property: what is read fits into a proof and is what was sent', () => {
    const value = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map(code => String.fromCodePoint(code)) })
    fc.assert(
      fc.property(value, sent => {
        const nonce = read(sent)
        if (nonce !== undefined) expect(nonce).toBe(sent.trim())
        if (nonce !== undefined) expect(nonce).toMatch(/^[!#-[\]-~]+$/u)
      }),
    )
  })
})
