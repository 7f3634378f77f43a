import { OAuthError } from '../errors.ts'
import { encodeBase64Url } from './base64url.ts'
import type { RemoteSigner, SigningAlgorithm } from './signing-key.ts'

/** Bytes of a signature where the algorithm fixes them (RFC 7518 §3.4, RFC 8032 §5.1.6). */
const LENGTHS: Partial<Record<SigningAlgorithm, number>> = {
  ES256: 64,
  ES384: 96,
  ES512: 132,
  EdDSA: 64,
  Ed25519: 64,
}
/** RSA signatures are as long as their key, at least 2048 bits. */
const MIN_RSA_BYTES = 256

/**
 * Signs a JWT with a key that is kept elsewhere. The signature's length is checked, the signature itself is the server's to verify.
 *
 * @throws {OAuthError} `configuration` for a signer that fails, with its error as the cause, and for what can be no signature; an
 * `OAuthError` of the signer as it is
 * @see RFC 7515 §5.1
 */
export async function signRemotely(
  signer: RemoteSigner,
  header: { readonly alg: SigningAlgorithm; readonly [name: string]: unknown },
  payload: Uint8Array,
): Promise<string> {
  const input = `${encodeBase64Url(new TextEncoder().encode(JSON.stringify(header)))}.${encodeBase64Url(payload)}`
  const given: unknown = await askSigner(signer, new TextEncoder().encode(input))
  // What WebCrypto answers.
  const signature = given instanceof ArrayBuffer ? new Uint8Array(given) : given
  if (!(signature instanceof Uint8Array)) throw noSignature(header.alg, 'something else than bytes')
  const length = LENGTHS[header.alg]
  if (length === undefined ? signature.length < MIN_RSA_BYTES : signature.length !== length) {
    throw noSignature(header.alg, `${signature.length} bytes`)
  }
  return `${input}.${encodeBase64Url(signature)}`
}

async function askSigner(signer: RemoteSigner, data: Uint8Array): Promise<unknown> {
  try {
    return await signer.sign(data)
  } catch (error) {
    if (error instanceof OAuthError) throw error
    throw new OAuthError(
      'configuration',
      'The signer of the private key failed.',
      { step: 'client authentication', hint: 'See the cause of this error.' },
      { cause: error },
    )
  }
}

function noSignature(alg: SigningAlgorithm, received: string): OAuthError {
  const length = LENGTHS[alg]
  return new OAuthError('configuration', `The signer of the private key gave no ${alg} signature.`, {
    step: 'client authentication',
    expected: length === undefined ? `at least ${MIN_RSA_BYTES} bytes` : `${length} bytes`,
    received,
    ...(alg.startsWith('ES') && { hint: 'r and s side by side are wanted, not DER (RFC 7518 §3.4).' }),
  })
}
