import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { chooseDpopAlgorithm, generateDpopJwk, importDpopKey, type DpopJwk, type DpopKey } from './protocol/dpop.ts'
import { stringListMember } from './protocol/json-object.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials } from './store/credential-store.ts'

/** What decides whether a new login is bound to a key. */
export interface DpopDecision {
  readonly target: AuthorizationTarget
  /** What is stored about the issuer. */
  readonly credentials: IssuerCredentials | undefined
  readonly challenge?: AuthorizationChallenge | undefined
}

/**
 * The key for a new login: made where the MCP server and the authorization server both know DPoP, where the session asks for it, and where
 * the login that it replaces was bound to one, so that nobody can talk the client down to bearer tokens. Undefined for a bearer login.
 *
 * @throws {OAuthError} `dpop_unsupported` when proofs are required and there is no algorithm that everybody knows
 * @see RFC 9449 §5.1, RFC 9728 §2
 */
export async function dpopKeyForLogin(
  context: Pick<SessionContext, 'dpop'>,
  { target, credentials, challenge }: DpopDecision,
): Promise<DpopJwk | undefined> {
  if (context.dpop === false) return undefined
  const published = target.protectedResource?.raw ?? {}
  const atServer = stringListMember(target.authorizationServer.raw, 'dpop_signing_alg_values_supported')
  const atResource = challenge?.dpop?.algorithms ?? stringListMember(published, 'dpop_signing_alg_values_supported')
  const offered = challenge?.dpop !== undefined || atResource !== undefined
  const required =
    context.dpop === true ||
    published['dpop_bound_access_tokens_required'] === true ||
    credentials?.grant?.tokenType === 'DPoP' ||
    credentials?.lostBoundGrant === true
  if (!required && !(offered && atServer !== undefined)) return undefined
  const algorithm = chooseDpopAlgorithm(atServer, atResource)
  if (algorithm !== undefined) return generateDpopJwk(algorithm)
  if (!required) return undefined
  throw new OAuthError(
    'dpop_unsupported',
    'This login must be bound to a key, but no algorithm for its proofs is known to all.',
    {
      step: 'proof of possession',
      issuer: target.issuer,
      expected: 'ES256, EdDSA, ES384, ES512, PS256 or RS256',
      received: `authorization server ${atServer?.join(' ') ?? 'any'}; MCP server ${atResource?.join(' ') ?? 'any'}`,
    },
  )
}

/** Makes kept keys ready to sign, each once. */
export interface DpopKeys {
  /** @throws {OAuthError} `login_required` when the key is damaged */
  ready(jwk: DpopJwk): Promise<DpopKey>
  /** Whether it was tried, and cannot be used here; another program may still be able to. */
  isUnreadable(jwk: DpopJwk): boolean
}

/** Creates the {@link DpopKeys} of one session. Only the last few are remembered: a session has one login at a time. */
export function createDpopKeys(): DpopKeys {
  const ready = new Map<string, Promise<DpopKey>>()
  const unreadable = new Set<string>()
  return {
    isUnreadable: jwk => unreadable.has(nameOf(jwk)),
    ready(jwk) {
      const id = nameOf(jwk)
      const known = ready.get(id)
      if (known) return known
      const importing = importDpopKey(jwk)
      importing.catch(() => unreadable.add(id))
      ready.set(id, importing)
      for (const oldest of ready.keys()) {
        if (ready.size <= 4) break
        ready.delete(oldest)
      }
      return importing
    },
  }
}

function nameOf(jwk: DpopJwk): string {
  return JSON.stringify([jwk['x'], jwk['y'], jwk['n']])
}
