import type { GrantStrategy } from '../grant-strategy.ts'
import { jwtBearerForm } from '../protocol/token-exchange.ts'
import { readAssertion } from './read-assertion.ts'

/** What a platform is asked for: a JWT about the workload, for the given authorization server. */
export type AssertionSource = (wanted: {
  /** Issuer of the authorization server, the audience that the JWT needs. */
  readonly audience: string
  readonly signal: AbortSignal
}) => string | Promise<string>

/** Options of {@link workloadIdentity}. */
export interface WorkloadIdentityOptions {
  /** The platform's JWT, read anew for every token request: platforms rotate it. `latchkey/node` reads files and environment variables. */
  readonly token: AssertionSource
  /** Where the authorization server wants the client named beside the assertion. */
  readonly clientId?: string
  /** The only authorization server that may see the platform's token. Default: the one that the MCP server names first, and from then on that one. */
  readonly issuer?: string
  /** Asked for where neither the challenge nor the server's metadata names a scope. */
  readonly scope?: string
}

/**
 * The JWT bearer grant with the token that a platform (Kubernetes, a cloud, a CI system) gives to a workload. No client secret, no
 * registration; exactly one token request, and no other grant when it is refused (R-WIF-1).
 *
 * @throws {OAuthError} `configuration`
 * @see RFC 7523 §2.1
 */
export function workloadIdentity({ token, clientId, issuer, scope }: WorkloadIdentityOptions): GrantStrategy {
  return {
    name: 'workload_identity',
    interactive: false,
    usesRedirect: false,
    grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    clientAuthentication: 'none',
    obtainsFor: 'workload_identity',
    ...(clientId !== undefined && { client: { clientId, tokenEndpointAuthMethod: 'none' } }),
    ...(issuer !== undefined && { issuer }),
    ...(scope !== undefined && { scope }),
    async obtain({ redeem, target, scope: asked, signal }) {
      const audience = target.authorizationServer.issuer
      const assertion = await readAssertion(() => token({ audience, signal }), { step: 'workload identity', signal })
      const extra = target.exception?.tokenParameters
      await redeem(jwtBearerForm({ assertion, scope: asked, resource: target.resource, extra }))
    },
  }
}
