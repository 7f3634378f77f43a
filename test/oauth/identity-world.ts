import { UnsecuredJWT } from 'jose'
import { identityAssertion, type IdentityProvider } from '../../src/oauth/flows/identity-assertion.ts'
import { openIdLogin, type OpenIdLogin, type OpenIdLoginOptions } from '../../src/oauth/flows/openid-login.ts'
import type { GrantStrategy } from '../../src/oauth/grant-strategy.ts'
import { ISSUER, json, OTHER_ISSUER, type Seen, World } from './world.ts'

/** The enterprise's identity provider. */
export const IDP = OTHER_ISSUER
export const SSO_CLIENT = { clientId: 'app-at-idp', clientSecret: 'sso-secret' }
const APP_CLIENT = { clientId: 'app-at-as', clientSecret: 'app-secret' }

/** Seconds that an ID token lives. */
export const ID_TOKEN_SECONDS = 300

/** A {@link World} whose second issuer is an identity provider, and whose first takes its assertions. */
export class IdentityWorld extends World {
  /** Replaces claims of the next ID tokens. */
  claims: Record<string, unknown> = {}
  /** Whether a refresh brings an ID token, too. */
  refreshesIdToken = true
  /** Whether the identity provider takes this ID token in an exchange. */
  takes: (idToken: string) => boolean = () => true
  #nonce = ''
  #issued = 0

  constructor() {
    super()
    this.routes.set(`GET ${IDP}/authorize`, ({ url }) => void (this.#nonce = url.searchParams.get('nonce') ?? ''))
    this.routes.set(`POST ${IDP}/token`, seen => this.#identityProvider(seen))
    this.routes.set(`POST ${ISSUER}/token`, seen => {
      if (seen.form.get('assertion') === null) return undefined
      const { access_token: accessToken } = { access_token: `bound-${++this.#issued}` }
      this.live.add(accessToken)
      return json({ access_token: accessToken, token_type: 'Bearer', expires_in: 120 })
    })
  }

  idToken(claims: Record<string, unknown> = {}): string {
    const iat = this.now / 1000
    const about = { iss: IDP, sub: 'ada', aud: SSO_CLIENT.clientId, iat, exp: iat + ID_TOKEN_SECONDS }
    return new UnsecuredJWT({ ...about, jti: `id-${++this.#issued}`, ...claims, ...this.claims }).encode()
  }

  login(options: Partial<OpenIdLoginOptions> = {}): OpenIdLogin {
    return openIdLogin({
      issuer: IDP,
      client: SSO_CLIENT,
      authorizer: this.authorizer,
      store: this.store,
      fetch: this.fetch,
      now: () => this.now,
      sleep: async () => undefined,
      onEvent: event => this.events.push(event),
      ...options,
    })
  }

  /** The grant of an application over that login, or over any other source of ID tokens. */
  assertion(identityProvider: IdentityProvider = this.login()): GrantStrategy {
    return identityAssertion({ identityProvider, client: APP_CLIENT, issuer: ISSUER })
  }

  get logins(): readonly Seen[] {
    return this.to(`GET ${IDP}/authorize`)
  }

  requestsOf(grantType: string): readonly Seen[] {
    return this.to(`POST ${IDP}/token`).filter(({ form }) => form.get('grant_type')?.endsWith(grantType))
  }

  #identityProvider(seen: Seen): Response | Promise<Response> {
    const { form } = seen
    if (form.get('grant_type')?.endsWith('token-exchange')) {
      if (!this.takes(form.get('subject_token') ?? '')) return json({ error: 'invalid_request' }, 400)
      const issued = 'urn:ietf:params:oauth:token-type:id-jag'
      return json({ access_token: `id-jag-${++this.#issued}`, issued_token_type: issued, token_type: 'N_A' })
    }
    const refresh = form.get('grant_type') === 'refresh_token'
    const answer = this.token(seen)
    if (!answer.ok || (refresh && !this.refreshesIdToken)) return answer
    const idToken = this.idToken(refresh ? {} : { nonce: this.#nonce })
    return answer.json().then(body => json({ ...(body as object), id_token: idToken }))
  }
}
