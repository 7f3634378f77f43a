import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, type JWK } from 'jose'
import { ISSUER, json, SERVER, World, type Seen } from './world.ts'

const TOKEN = `POST ${ISSUER}/token`
const CHALLENGE_METADATA = `resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', SERVER).href}"`

/** A proof that a server of this world took. */
interface Proof {
  readonly payload: Readonly<Record<string, unknown>>
  readonly algorithm: string
  readonly thumbprint: string
}

/** What the two servers of a {@link DpopWorld} want. */
export interface DpopWishes {
  /** `dpop_signing_alg_values_supported` of the authorization server; absent: it publishes none, and gives bearer tokens to whoever sends no proof. */
  readonly server?: readonly string[] | undefined
  /** What the MCP server's challenge names; absent: it takes bearer tokens, too, and says nothing of proofs. */
  readonly challenge?: readonly string[] | undefined
  /** `dpop_signing_alg_values_supported` of the resource metadata. */
  readonly resource?: readonly string[] | undefined
}

const sha256 = async (text: string) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))).toString('base64url')

/** A world that checks proofs as RFC 9449 §4.3 says. Tokens obtained with a proof work only with the key of that proof. */
export class DpopWorld extends World {
  readonly proofs: Proof[] = []
  /** What was wrong with proofs; nonces are counted apart. */
  readonly faults: string[] = []
  /** The nonce that each server wants; changing it makes the next request fail once. */
  readonly nonce: { token?: string | (() => string); mcp?: string | (() => string) } = {}
  readonly nonceDemands = { token: 0, mcp: 0 }
  readonly #jtis = new Set<string>()
  readonly #bound = new Map<string, string>()

  constructor({ server, challenge, resource }: DpopWishes = { server: ['ES256'], challenge: ['ES256'] }) {
    super()
    if (server) this.serverMetadata = { dpop_signing_alg_values_supported: server }
    if (resource) this.resourceMetadata = { ...this.resourceMetadata, dpop_signing_alg_values_supported: resource }
    this.challenge = `Bearer ${CHALLENGE_METADATA}`
    if (challenge) this.challenge = `DPoP algs="${challenge.join(' ')}", ${this.challenge}`
    this.routes.set(TOKEN, seen => this.#token(seen))
    this.routes.set(`GET ${SERVER}`, seen => this.#call(seen))
  }

  /** The key that an access token is bound to. */
  keyOf(accessToken: string): string | undefined {
    return this.#bound.get(accessToken)
  }

  async #token(seen: Seen): Promise<Response> {
    if (!seen.headers.has('dpop')) return this.token(seen)
    const proof = await this.#check(seen)
    if (typeof proof === 'string') return json({ error: 'invalid_dpop_proof', error_description: proof }, 400)
    const wanted = this.#wanted('token', proof)
    if (wanted !== undefined) return json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': wanted })
    const answer = this.token(seen)
    if (!answer.ok) return answer
    const tokens = (await answer.json()) as { access_token: string; token_type: string }
    this.#bound.set(tokens.access_token, proof.thumbprint)
    return json({ ...tokens, token_type: 'DPoP', ...this.tokenResponse })
  }

  async #call(seen: Seen): Promise<Response | undefined> {
    const [scheme = '', token = ''] = (seen.headers.get('authorization') ?? '').split(' ')
    const bound = this.#bound.get(token)
    if (scheme !== 'DPoP' && bound === undefined) return undefined
    const proof = scheme === 'DPoP' ? await this.#check(seen, token) : 'a bound token as a bearer'
    if (typeof proof === 'string' || proof.thumbprint !== bound) {
      if (this.live.has(token)) this.faults.push(typeof proof === 'string' ? proof : 'another key')
      return this.#refuse('invalid_token')
    }
    const wanted = this.#wanted('mcp', proof)
    if (wanted !== undefined) return this.#refuse('use_dpop_nonce', { 'dpop-nonce': wanted })
    return this.accepts(token) ? json({ ok: true }) : this.#refuse('invalid_token')
  }

  #refuse(error: string, headers: Record<string, string> = {}): Response {
    const challenge = `DPoP error="${error}", ${this.challenge}`
    return new Response('', { status: 401, headers: { 'www-authenticate': challenge, ...headers } })
  }

  /** The nonce that a proof should have had. */
  #wanted(where: 'token' | 'mcp', { payload }: Proof): string | undefined {
    const wanted = this.nonce[where]
    if (wanted === undefined || (typeof wanted === 'string' && payload['nonce'] === wanted)) return undefined
    if (typeof wanted === 'function' && this.#given.delete(String(payload['nonce']))) return undefined
    this.nonceDemands[where]++
    const next = typeof wanted === 'string' ? wanted : wanted()
    this.#given.add(next)
    return next
  }
  /** Nonces that work once. */
  readonly #given = new Set<string>()

  async #check({ headers, method, url }: Seen, accessToken?: string): Promise<Proof | string> {
    let verified: Awaited<ReturnType<typeof compactVerify>>
    try {
      verified = await compactVerify(headers.get('dpop') ?? '', EmbeddedJWK)
    } catch (error) {
      return this.#fault(`signature: ${String(error)}`)
    }
    const header = verified.protectedHeader
    const payload = JSON.parse(new TextDecoder().decode(verified.payload)) as Record<string, unknown>
    if (header.typ !== 'dpop+jwt') return this.#fault('typ')
    if (header.jwk && 'd' in header.jwk) return this.#fault('the private key')
    if (payload['htm'] !== method || payload['htu'] !== `${url.origin}${url.pathname}`) return this.#fault('target')
    if (payload['iat'] !== Math.floor(this.now / 1000)) return this.#fault('iat')
    if (payload['ath'] !== (accessToken && (await sha256(accessToken)))) return this.#fault('ath')
    if (this.#jtis.has(String(payload['jti']))) return this.#fault('jti seen before')
    this.#jtis.add(String(payload['jti']))
    const proof = { payload, algorithm: header.alg, thumbprint: await calculateJwkThumbprint(header.jwk as JWK) }
    this.proofs.push(proof)
    return proof
  }

  #fault(what: string): string {
    this.faults.push(what)
    return what
  }
}
