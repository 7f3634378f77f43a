import { sign as signWithNode } from 'node:crypto'
import { importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createClientAssertion } from '../../../src/oauth/protocol/client-assertion.ts'
import { applyClientAuthentication } from '../../../src/oauth/protocol/client-authentication.ts'
import { SIGNING_ALGORITHMS } from '../../../src/oauth/protocol/key-algorithms.ts'
import type { PrivateKey, SigningAlgorithm } from '../../../src/oauth/protocol/signing-key.ts'
import { KEY_OF, readJwt, testKey, verifyJwt } from '../../oauth/keys.ts'

const ISSUER = 'https://as.example.com'
const now = Date.now()
const randomBytes = (length: number) => globalThis.crypto.getRandomValues(new Uint8Array(length))

const assert = (key: PrivateKey, algorithm: SigningAlgorithm) =>
  createClientAssertion({ clientId: 'robot', audience: ISSUER, key: { key, algorithm, keyId: 'k' }, now, randomBytes })

/** Signs as a key service does, with node:crypto. */
function remoteSign(algorithm: SigningAlgorithm, data: Uint8Array): Uint8Array {
  const { privateKey } = testKey(KEY_OF[algorithm])
  const hash = algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`
  const length = { padding: 6, saltLength: -1 }
  const options = algorithm.startsWith('PS')
    ? length
    : algorithm.startsWith('ES')
      ? { dsaEncoding: 'ieee-p1363' as const }
      : {}
  return signWithNode(hash, data, { key: privateKey, ...options })
}

describe.each(SIGNING_ALGORITHMS)('an assertion signed with %s', algorithm => {
  const { pem, jwk, publicKey } = testKey(KEY_OF[algorithm])
  it.each<[string, () => Promise<PrivateKey>]>([
    ['a PEM', async () => pem],
    ['a JWK', async () => jwk],
    ['a CryptoKey that cannot be taken out', async () => (await importJWK(jwk, algorithm)) as PrivateKey],
    ['a remote signer', async () => ({ algorithm, sign: async data => remoteSign(algorithm, data) })],
  ])('R-JWT-1 %s: node:crypto verifies it', async (_name, key) => {
    const jwt = await assert(await key(), algorithm)
    expect(readJwt(jwt).header).toEqual({ typ: 'JWT', alg: algorithm, kid: 'k' })
    expect(verifyJwt(jwt, publicKey)).toBe(true)
    const [header, , signature] = jwt.split('.')
    const forged = Buffer.from(JSON.stringify({ ...readJwt(jwt).payload, sub: 'somebody' })).toString('base64url')
    expect(verifyJwt(`${header}.${forged}.${signature}`, publicKey)).toBe(false)
  })
})

describe('beside oauth4webapi', () => {
  it.each(['ES256', 'ES384', 'ES512', 'Ed25519', 'PS256', 'RS256', 'RS512'] as const)(
    'R-JWT-1 %s: the same form and the same claims, but for nbf, which a slow clock would break',
    async algorithm => {
      const key = (await importJWK(testKey(KEY_OF[algorithm]).jwk, algorithm)) as Exclude<
        Awaited<ReturnType<typeof importJWK>>,
        Uint8Array
      >
      const theirs = new URLSearchParams()
      await oauth.PrivateKeyJwt({ key, kid: 'k' })({ issuer: ISSUER }, { client_id: 'robot' }, theirs, new Headers())
      const ours = new URLSearchParams()
      applyClientAuthentication(
        {
          clientId: 'robot',
          clientAssertion: await assert(key, algorithm),
          tokenEndpointAuthMethod: 'private_key_jwt',
        },
        new Headers(),
        ours,
      )
      expect([...ours.keys()]).toEqual([...theirs.keys()])
      const read = (form: URLSearchParams) => readJwt(form.get('client_assertion') ?? '')
      const types = (object: object) =>
        Object.fromEntries(Object.entries(object).map(([name, value]) => [name, typeof value]))
      const { nbf, ...expected } = read(theirs).payload
      expect(nbf).toBeTypeOf('number')
      expect(types(read(ours).payload)).toEqual(types(expected))
      for (const name of ['iss', 'sub', 'aud']) expect(read(ours).payload[name]).toEqual(expected[name])
      const lifetime = ({ exp, iat }: Record<string, unknown>) => Number(exp) - Number(iat)
      expect(lifetime(read(ours).payload)).toBe(lifetime(expected))
      expect({ ...read(ours).header, typ: undefined }).toEqual({ ...read(theirs).header, typ: undefined })
    },
  )
})

describe('secrets beside oauth4webapi', () => {
  const SECRETS = ['plain', "a-b_c.d~e!f*g'h(i)", 'pä%+ 😀', 'a:b&c=d', ' ']
  const authenticate = (secret: string, method: 'client_secret_basic' | 'client_secret_post') => {
    const ours = { headers: new Headers(), form: new URLSearchParams() }
    const theirs = { headers: new Headers(), form: new URLSearchParams() }
    const client = { clientId: `id ${secret}`, clientSecret: secret, tokenEndpointAuthMethod: method }
    applyClientAuthentication(client, ours.headers, ours.form)
    const build = method === 'client_secret_basic' ? oauth.ClientSecretBasic : oauth.ClientSecretPost
    void build(secret)({ issuer: ISSUER }, { client_id: client.clientId }, theirs.form, theirs.headers)
    return { ours, theirs }
  }
  const credentials = (headers: Headers) =>
    Buffer.from(headers.get('authorization')?.slice('Basic '.length) ?? '', 'base64').toString()

  it.each(SECRETS)('R-TOKEN-2 post: the same form for %j', secret => {
    const { ours, theirs } = authenticate(secret, 'client_secret_post')
    expect([...ours.form]).toEqual([...theirs.form])
    expect(ours.headers.has('authorization') || theirs.headers.has('authorization')).toBe(false)
  })

  it.each(SECRETS)('R-TOKEN-2 basic: a server reads the same from both for %j', secret => {
    const { ours, theirs } = authenticate(secret, 'client_secret_basic')
    const read = (headers: Headers) =>
      credentials(headers)
        .split(':')
        .map(part => new URLSearchParams(`v=${part}`).get('v'))
    expect(read(ours.headers)).toEqual([`id ${secret}`, secret])
    expect(read(theirs.headers)).toEqual(read(ours.headers))
    expect([...ours.form]).toEqual([...theirs.form])
  })

  it('R-TOKEN-2 basic: theirs also encodes - _ . and *, which a server that decodes nothing would not know', () => {
    const { ours, theirs } = authenticate('a-b_c.d*e', 'client_secret_basic')
    expect(credentials(ours.headers)).toMatch(/:a-b_c\.d\*e$/u)
    expect(credentials(theirs.headers)).toMatch(/:a%2Db%5Fc%2Ed%2Ae$/u)
  })
})
