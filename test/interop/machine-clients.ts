import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** Every family of signature that R-JWT-1 names. */
export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** What an application is given when somebody registers it by hand. */
export const CLIENTS = {
  basic: { clientId: 'robot basic', clientSecret: 'sp ace+plus%percent:colon' },
  post: { clientId: 'robot-post', clientSecret: 'post-secret-of-the-robot' },
  enterprise: { clientId: 'enterprise-app', clientSecret: 'enterprise-secret-here' },
  device: { clientId: 'living-room' },
  /** A person logs in through this one; registered beforehand so that a test may be about something else. */
  desktop: { clientId: 'desktop-app' },
  /** A person logs in through this one, too, and it has a secret. */
  intranet: { clientId: 'intranet-app', clientSecret: 'secret-of-the-intranet' },
  /** Stands in for every workload: the provider wants a client to each token, although the request names none. */
  workload: { clientId: 'any-workload' },
} as const

/** People log in through this one; it authenticates with the PS256 key. */
export const WEB_CLIENT_ID = 'web-app'

/** What the enterprise's identity provider knows the same application as. */
export const ENTERPRISE_SSO_CLIENT = {
  clientId: 'app-at-the-enterprise',
  clientSecret: 'sso-secret-of-the-app',
} as const

/** The redirect URI of every client with a person. */
export const REDIRECT_URI = 'http://127.0.0.1:18080/callback'

/** The address of a client-id metadata document; nothing is ever fetched from there. */
export const CLIENT_METADATA_URL = 'https://client.example/oauth/client.json'

export interface SigningKey {
  readonly privateJwk: JWK
  readonly publicJwk: JWK
}

const made = new Map<SigningAlgorithm, Promise<SigningKey>>()

/** One key of each kind for the run: making an RSA key takes longer than the test. */
export function signingKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const known = made.get(algorithm) ?? createSigningKey(algorithm)
  made.set(algorithm, known)
  return known
}

async function createSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = `key-${algorithm}`
  return {
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg: algorithm },
    publicJwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' },
  }
}

/** The client that authenticates with a key of this kind. */
export const keyClientId = (algorithm: SigningAlgorithm): string => `robot-${algorithm.toLowerCase()}`
