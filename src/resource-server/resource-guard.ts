import type { HttpGuard } from '../http/server/http-guard.ts'
import type { HttpRequest, HttpResponse } from '../http/server/http-message.ts'
import { refuseRequest } from '../http/server/refusals.ts'
import type { AuthInfo } from '../server/auth-info.ts'
import { refusedToken } from './access-token-rules.ts'
import { buildChallenge, type ChallengeContent } from './challenge.ts'
import { type Credentials, readCredentials, readProofs } from './credentials.ts'
import { buildMetadataDocument, createMetadataRoute } from './metadata-document.ts'
import type { Protection, ProtectOptions } from './protect-options.ts'
import { createScopeRules } from './scope-rules.ts'
import { TokenError } from './token-error.ts'

/** Seconds after which a client may try again when nothing better is known, and at most. */
const RETRY_AFTER_SECONDS = 5
const MAX_RETRY_AFTER_SECONDS = 300

/** What the guard needs of the server. */
export interface GuardSurroundings {
  /** Scopes that something registered names, as of now. */
  declaredScopes(): readonly string[]
  /** Hears of what clients are told only in general words. Never throws. */
  report(error: unknown): void
  /** Called when a client is told where to log in. */
  onChallenge?(): void
}

/**
 * Makes what stands before a protected server. Whatever a verifier says, clients learn only whether their token is good here; why not goes to `report`.
 *
 * The checks, in order: one token, in the header; that it is verified, for every request anew; then, once the request is understood and before anything
 * runs, that it has all scopes that the operations need together.
 */
export function createResourceGuard(
  protection: Protection,
  options: ProtectOptions,
  { declaredScopes, report, onChallenge }: GuardSurroundings,
): HttpGuard {
  const { resource, verify, audience, scopes } = protection
  const { optional = false } = options
  const rules = createScopeRules(options, () => [...scopes, ...protection.scopesSupported, ...declaredScopes()])
  const metadata = createMetadataRoute(resource.metadataPaths, buildMetadataDocument(protection, options))

  const refuse = (status: number, message: string, content: ChallengeContent, nonce?: string): HttpResponse =>
    refuseRequest(status, message, {
      'www-authenticate': buildChallenge(resource.metadataUrl, content, verify.dpop),
      ...(nonce !== undefined && { 'dpop-nonce': nonce }),
    })
  const challenge = (needed: readonly string[], nonce?: string): HttpResponse => {
    onChallenge?.()
    return refuse(401, LOGIN_NEEDED, { scopes: rules.challenged(undefined, needed) }, nonce)
  }

  const judge = async (
    request: HttpRequest,
    { scheme, token }: Extract<Credentials, { kind: 'token' }>,
  ): Promise<AuthInfo | HttpResponse> => {
    const gone = new AbortController()
    const stopListening = request.onDisconnect(() => gone.abort())
    try {
      // A verifier that checks no proofs might take the token as a bearer token.
      if (scheme === 'dpop' && !verify.dpop) throw refusedToken('binding_mismatch', NO_PROOFS)
      const auth = await verify({
        token,
        scheme,
        request: { method: request.method, url: resource.target, dpopProofs: readProofs(request) },
        audience,
        signal: gone.signal,
      })
      assertAuthInfo(auth)
      return auth
    } catch (error) {
      if (gone.signal.aborted) return refuseRequest(503, UNAVAILABLE)
      report(error)
      if (!(error instanceof TokenError)) return refuseRequest(500, 'Internal error')
      if (error.challengeError === undefined) return refuseRequest(503, UNAVAILABLE, retryAfter(error))
      const description = REFUSED[error.challengeError]
      const content = { error: error.challengeError, description, scopes: rules.challenged(undefined, scopes) }
      return refuse(401, description, content, error.detail.dpopNonce)
    } finally {
      stopListening()
    }
  }

  return {
    route: metadata,
    authenticate: async request => {
      const credentials = readCredentials(request)
      if (credentials.kind === 'malformed') {
        report(refusedToken('malformed', 'came in a way that is not allowed', { received: credentials.problem }))
        return { refused: refuse(400, REFUSED.invalid_request, { error: 'invalid_request' }) }
      }
      if (credentials.kind === 'none' && optional) return { auth: undefined }
      if (credentials.kind !== 'token') return { refused: challenge(scopes, await verify.dpop?.nonce?.()) }
      const judged = await judge(request, credentials)
      if ('status' in judged) return { refused: judged }
      if (credentials.scheme === 'bearer' || !verify.dpop?.nonce) return { auth: judged }
      return { auth: judged, headers: { 'dpop-nonce': await verify.dpop.nonce() } }
    },
    authorize: (auth, needed) => {
      if (optional && needed.length === 0) return undefined
      const all = [...new Set([...scopes, ...needed])]
      if (rules.holds(auth, all)) return undefined
      if (!auth) return challenge(all)
      const content = { error: 'insufficient_scope', description: TOO_NARROW, scopes: rules.challenged(auth, all) }
      return refuse(403, TOO_NARROW, content)
    },
    holds: (auth, needed) => needed.length === 0 || rules.holds(auth, [...scopes, ...needed]),
    // A page of any origin may ask: whoever may do something proves it with a token, which pages get only by a login of their own.
    allowedOrigins: optional ? undefined : '*',
    allowedHosts: resource.hosts,
    filtersLists: options.filterLists ?? false,
  }
}

const LOGIN_NEEDED = 'Unauthorized: this server needs an access token'
const TOO_NARROW = 'The operation needs scopes that the access token does not have'
const UNAVAILABLE = 'The access token cannot be verified now; try again later'
const NO_PROOFS = 'came under the DPoP scheme, and no proofs are checked here'

/** All that clients are told. */
const REFUSED = {
  invalid_token: 'The access token is not valid here',
  invalid_dpop_proof: 'The proof of possession is not valid for this request',
  use_dpop_nonce: 'The proof of possession needs a nonce of this server',
  invalid_request: 'Bad request: send one access token, in the Authorization header',
} as const

function retryAfter({ detail }: TokenError): Readonly<Record<string, string>> {
  const seconds = Math.ceil((detail.retryAfterMs ?? RETRY_AFTER_SECONDS * 1000) / 1000)
  return { 'retry-after': String(Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS)) }
}

/** A verifier of somebody's own may return anything. Without a principal everybody would share sessions and tasks. */
function assertAuthInfo(auth: unknown): void {
  const { principal, scopes } = (auth ?? {}) as Partial<Record<keyof AuthInfo, unknown>>
  if (typeof principal === 'string' && principal !== '' && isTextList(scopes)) return
  throw new TypeError('The verifier should return a principal that is not empty, and a list of scopes')
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every(each => typeof each === 'string')
}
