import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { PresentedToken } from '../../src/resource-server/token-verifier.ts'
import { TokenError } from '../../src/resource-server/token-error.ts'

export const ISSUER = 'https://as.example.com/tenant'
export const RESOURCE = 'https://files.example.com/mcp'
export const JWKS_URI = 'https://as.example.com/keys'
export const START = Date.UTC(2030, 0, 1)

/** Text that must never be seen in an error. */
export const CANARY = 'canary-value-of-a-claim'

interface IssuerKey {
  readonly kid: string | undefined
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

const pairs = new Map<string, Promise<JWK>>()

/** A key pair under a name; each is made once, for all files. RSA keys take long, so all algorithms share one. */
export async function makeKey(alg: string, kid: string | undefined, variant = 'a'): Promise<IssuerKey> {
  const kind = /^[RP]S/.test(alg) ? 'RS256' : alg
  const name = `${kind} ${variant}`
  const made = pairs.get(name) ?? generateKeyPair(kind, { extractable: true }).then(pair => exportJWK(pair.privateKey))
  pairs.set(name, made)
  const jwk = await made
  const { kty, crv, x, y, n, e } = jwk
  const publicJwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JWK
  return { kid, alg, privateKey: (await importJWK(jwk, alg)) as CryptoKey, publicJwk }
}

export const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** An issuer with its documents, a clock, and whatever may be wrong with it. */
export class IssuerWorld {
  now = START
  readonly fetched: string[] = []
  keys: IssuerKey[] = []
  /** Members that replace those of the metadata; undefined leaves one out. */
  metadata: Record<string, unknown> = {}
  metadataPath = '/.well-known/oauth-authorization-server/tenant'
  /** Asked before anything else; what it returns is answered. */
  fault: ((url: string) => Response | Promise<Response> | undefined) | undefined

  static async start(): Promise<IssuerWorld> {
    const world = new IssuerWorld()
    world.keys = [await makeKey('ES256', 'one')]
    return world
  }

  readonly fetch = async (input: string | URL | Request): Promise<Response> => {
    const url = input instanceof Request ? input.url : input.toString()
    this.fetched.push(url)
    const faulty = await this.fault?.(url)
    if (faulty) return faulty
    if (url === JWKS_URI) {
      return Response.json({ keys: this.keys.map(({ kid, publicJwk }) => ({ ...publicJwk, ...(kid && { kid }) })) })
    }
    if (url === `https://as.example.com${this.metadataPath}`) {
      return Response.json({ issuer: ISSUER, jwks_uri: JWKS_URI, ...this.metadata })
    }
    return new Response('<h1>not found</h1>', { status: 404, headers: { 'content-type': 'text/html' } })
  }

  get options() {
    return { issuer: ISSUER, fetch: this.fetch, now: () => this.now }
  }

  get jwksFetches(): number {
    return this.fetched.filter(url => url === JWKS_URI).length
  }

  claims(claims: Record<string, unknown> = {}): Record<string, unknown> {
    const seconds = Math.floor(this.now / 1000)
    return {
      iss: ISSUER,
      sub: 'alice',
      client_id: 'app',
      aud: RESOURCE,
      scope: 'files:read files:write',
      iat: seconds,
      exp: seconds + 300,
      jti: 'j1',
      note: CANARY,
      ...claims,
    }
  }

  async sign(
    claims: Record<string, unknown> = {},
    { key = this.keys[0]!, header = {} }: { key?: IssuerKey; header?: Record<string, unknown> } = {},
  ): Promise<string> {
    const all = { typ: 'at+jwt', alg: key.alg, ...(key.kid !== undefined && { kid: key.kid }), ...header }
    const known = JSON.parse(JSON.stringify(all)) as { alg: string }
    return new CompactSign(new TextEncoder().encode(JSON.stringify(this.claims(claims))))
      .setProtectedHeader(known)
      .sign(key.privateKey, { crit: { b64: true, exp: true } })
  }
}

export const present = (token: string, more: Partial<PresentedToken> = {}): PresentedToken => ({
  token,
  scheme: 'bearer',
  request: { method: 'POST', url: RESOURCE, dpopProofs: [] },
  audience: [RESOURCE],
  ...more,
})

/** The error of a refused token. */
export async function refusal(work: Promise<unknown>): Promise<TokenError> {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof TokenError)) throw error
  return error
}
