import { OAuthError } from '../errors.ts'
import type { GrantStrategy, IdTokenRequest, PreRegisteredClient } from '../grant-strategy.ts'
import { displayText } from '../protocol/display-text.ts'
import { idTokenSubject } from '../protocol/id-token.ts'
import { identityAssertionForm, jwtBearerForm, readIdentityAssertion } from '../protocol/token-exchange.ts'
import { isSecureUrl, parseUrl } from '../protocol/url.ts'
import { readAssertion } from './read-assertion.ts'

/** The identity provider of an enterprise, at which its people are logged in. */
export interface IdentityProvider {
  readonly issuer: string
  /** Where its metadata does not say. */
  readonly tokenEndpoint?: string
  /** This client as the identity provider knows it. */
  readonly client: PreRegisteredClient
  /**
   * The ID token of the person's login, or how to get one; `openIdLogin` logs the person in. A callback is always about the same person: several
   * people need a profile each.
   */
  readonly idToken: string | ((wanted: IdTokenRequest) => string | Promise<string>)
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
  const issuerUrl = parseUrl(identityProvider.issuer)
  if (!issuerUrl || !isSecureUrl(issuerUrl)) {
    throw new OAuthError('configuration', 'The issuer of the identity provider cannot be used.', {
      step: 'login at the identity provider',
      expected: 'an https URL, or http on a loopback host',
      received: displayText(identityProvider.issuer),
    })
  }
  const { idToken } = identityProvider
  // Whoever a callback is about is not known before it is asked: its people have profiles of their own.
  const sub = typeof idToken === 'string' ? idTokenSubject(idToken) : undefined
  /** What the identity provider did not take: it ended there before its time. */
  let refused: string | undefined
  return {
    name: 'identity_assertion',
    interactive: false,
    usesRedirect: false,
    grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    client,
    obtainsFor: ['identity_assertion', identityProvider.issuer, identityProvider.client.clientId, sub ?? ''].join(' '),
    ...(issuer !== undefined && { issuer }),
    ...(scope !== undefined && { scope }),
    subjectToken: ({ signal, interactive, asking }) =>
      readAssertion(
        pause => {
          if (typeof idToken === 'string') return idToken
          const stopClocks = (): (() => void) => {
            const done = asking()
            const resume = pause()
            return () => {
              done()
              resume()
            }
          }
          return idToken({ signal, interactive, asking: stopClocks, ...(refused !== undefined && { refused }) })
        },
        { step: 'login at the identity provider', signal },
      ),
    refusesSubjectToken: token => token === refused,
    async obtain({ redeem, sendElsewhere, target, scope: asked, subjectToken }) {
      if (subjectToken === undefined) throw loginRequired(identityProvider.issuer)
      const { resource, authorizationServer, exception } = target
      const { answer, secrets } = await sendElsewhere({
        step: 'token exchange',
        ...identityProvider,
        form: identityAssertionForm({ subjectToken, audience: authorizationServer.issuer, resource, scope: asked }),
      })
      let assertion: string
      try {
        assertion = readIdentityAssertion(answer, { secrets })
      } catch (error) {
        if (isRefusal(error)) refused = subjectToken
        throw error
      }
      await redeem(jwtBearerForm({ assertion, scope: asked, resource, extra: exception?.tokenParameters }))
    },
  }
}

/** RFC 8693 §2.2.2 says `invalid_request` for a subject token that is not taken; others say `invalid_grant`. */
function isRefusal(error: unknown): boolean {
  const { oauthError } = error instanceof OAuthError ? error.detail : {}
  return oauthError === 'invalid_request' || oauthError === 'invalid_grant'
}

/** The login that made an ID token needless was forgotten meanwhile. */
function loginRequired(issuer: string): OAuthError {
  return new OAuthError('login_required', `No ID token of ${issuer} is at hand.`, {
    step: 'login at the identity provider',
    issuer,
    hint: 'Try again.',
  })
}
