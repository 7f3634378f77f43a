import { sign as signWithNode } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/oauth/errors.ts'
import { type RemoteSigner, signJwt, type SigningAlgorithm } from '../../../src/oauth/protocol/signing-key.ts'
import { testKey, verifyJwt } from '../keys.ts'

const JWT = { header: { typ: 'JWT' }, payload: { sub: 'ünicode' } }

async function refusalOf(signer: Partial<RemoteSigner>): Promise<OAuthError> {
  const error = await signJwt({ key: signer as RemoteSigner }, JWT).then(
    () => new Error('was accepted'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(OAuthError)
  return error as OAuthError
}

const { privateKey, publicKey } = testKey('P-256')
const raw = (data: Uint8Array) => signWithNode('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })

describe('a signer that keeps the key', () => {
  it('R-JWT-1 signs; bytes of any view count, an ArrayBuffer as WebCrypto answers, too', async () => {
    const views = [
      (signature: Buffer) => signature,
      (signature: Buffer) => Uint8Array.from(signature),
      (signature: Buffer) => Uint8Array.from(signature).buffer as unknown as Uint8Array,
    ]
    for (const view of views) {
      const key = { algorithm: 'ES256', sign: async (data: Uint8Array) => view(raw(data)) } as const
      expect(verifyJwt(await signJwt({ key }, JWT, ['RS256', 'ES256']), publicKey)).toBe(true)
    }
  })

  it('R-JWT-1 is not asked for an algorithm that the server does not accept', async () => {
    let asked = 0
    const key = { algorithm: 'ES256', sign: async () => new Uint8Array(++asked) } as const
    await expect(signJwt({ key }, JWT, ['RS256'])).rejects.toMatchObject({
      code: 'configuration',
      detail: { expected: 'RS256', received: 'ES256' },
    })
    expect(asked).toBe(0)
  })

  it('R-JWT-1 a DER signature is refused with what is wanted', async () => {
    const error = await refusalOf({ algorithm: 'ES256', sign: async data => signWithNode('sha256', data, privateKey) })
    expect(error).toMatchObject({ code: 'configuration', detail: { expected: '64 bytes' } })
    expect(error.detail.hint).toContain('DER')
  })

  it.each<[SigningAlgorithm, number]>([
    ['ES256', 64],
    ['ES384', 96],
    ['ES512', 132],
    ['EdDSA', 64],
    ['Ed25519', 64],
  ])('R-JWT-1 %s wants %i bytes, not one less or more', async (algorithm, length) => {
    const sign = (bytes: number) => signJwt({ key: { algorithm, sign: async () => new Uint8Array(bytes) } }, JWT)
    for (const wrong of [0, length - 1, length + 1]) {
      await expect(sign(wrong)).rejects.toMatchObject({ code: 'configuration', detail: { received: `${wrong} bytes` } })
    }
    expect((await sign(length)).split('.')).toHaveLength(3)
  })

  it('R-JWT-1 an RSA signature is at least as long as a key of 2048 bits', async () => {
    const sign = (bytes: number) =>
      signJwt({ key: { algorithm: 'PS256', sign: async () => new Uint8Array(bytes) } }, JWT)
    await expect(sign(255)).rejects.toMatchObject({ code: 'configuration' })
    for (const bytes of [256, 384, 512]) expect((await sign(bytes)).split('.')).toHaveLength(3)
  })

  it.each([undefined, null, 'c2lnbmF0dXJl', [1, 2], { length: 64 }])('R-JWT-1 %j is no signature', async given => {
    await refusalOf({ algorithm: 'ES256', sign: async () => given as never })
  })

  it('R-JWT-1 a failure is ours, with theirs as the cause and not in the text', async () => {
    const theirs = new Error('canary: key 4711 is disabled')
    for (const sign of [
      () => Promise.reject(theirs),
      () => {
        throw theirs
      },
    ]) {
      const error = await refusalOf({ algorithm: 'ES256', sign })
      expect(error).toMatchObject({ code: 'configuration', cause: theirs })
      expect(error.message + JSON.stringify(error.detail)).not.toContain('canary')
    }
  })

  it('an error of ours passes as it is, so that a signer can say that it may pass', async () => {
    const busy = new OAuthError('network', 'The key service is away.', { step: 'client authentication' })
    expect(await refusalOf({ algorithm: 'ES256', sign: () => Promise.reject(busy) })).toBe(busy)
  })
})
