import { OAuthError } from '../errors.ts'
import type { GrantStrategy, PreRegisteredClient } from '../grant-strategy.ts'
import { identityAssertionForm, jwtBearerForm, readIdentityAssertion } from '../protocol/token-exchange.ts'
import { readAssertion } from './workload-identity.ts'

/** The identity provider of an enterprise, at which its people are logged in. */
export interface IdentityProvider {
  readonly issuer: string
  /** Where its metadata does not say. */
  readonly tokenEndpoint?: string
  /** This client as the identity provider knows it. */
  readonly client: PreRegisteredClient
  /** The ID token of the person's login, or how to get one. */
  readonly idToken: string | ((wanted: { readonly signal: AbortSignal }) => string | Promise<string>)
}

/** Options of {@link identityAssertion}. */
export interface IdentityAssertionOptions {
  readonly identityProvider: IdentityProvider
  /** This client as the MCP server's authorization server knows it. */
  readonly client: PreRegisteredClient
  /** That authorization server: the only one for which an assertion is asked. Without it, the one that the MCP server names gets one. */
  readonly issuer?: string
  /** Asked for where neither the challenge nor the server's metadata names a scope. */
  readonly scope?: string
}

/**
 * Enterprise-managed authorization: the identity provider asserts who the person is (token exchange for an ID-JAG), and the MCP server's
 * authorization server takes the assertion for a token (JWT bearer). No consent page: the enterprise decides.
 *
 * @throws {OAuthError} `configuration`
 * @see the enterprise-managed authorization extension, RFC 8693, RFC 7523
 */
export function identityAssertion(options: IdentityAssertionOptions): GrantStrategy {
  const { identityProvider, client, issuer, scope } = options
  for (const [whose, { clientId }] of [
    ['identity provider', identityProvider.client],
    ['authorization server', client],
  ] as const) {
    if (clientId.trim() === '') {
      throw new OAuthError('configuration', `The client id at the ${whose} is empty.`, { step: 'client identity' })
    }
  }
  return {
    name: 'identity_assertion',
    interactive: false,
    usesRedirect: false,
    grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    client,
    ...(issuer !== undefined && { issuer }),
    ...(scope !== undefined && { scope }),
    async obtain({ redeem, sendElsewhere, target, scope: asked, signal }) {
      const { idToken } = identityProvider
      const subjectToken = await readAssertion(() => (typeof idToken === 'string' ? idToken : idToken({ signal })), {
        step: 'login at the identity provider',
        signal,
      })
      const { resource, authorizationServer, exception } = target
      const { answer, secrets } = await sendElsewhere({
        step: 'token exchange',
        ...identityProvider,
        form: identityAssertionForm({ subjectToken, audience: authorizationServer.issuer, resource, scope: asked }),
      })
      const assertion = readIdentityAssertion(answer, { secrets })
      await redeem(jwtBearerForm({ assertion, scope: asked, resource, extra: exception?.tokenParameters }))
    },
  }
}
