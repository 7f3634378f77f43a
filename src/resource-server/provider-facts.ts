import type { JwtVerifierOptions } from './jwt-verifier.ts'

/** Providers with a preset. */
export type ProviderName = 'entra' | 'auth0' | 'okta' | 'keycloak' | 'cognito' | 'google' | 'workos'

/** What is peculiar about the access tokens of a provider. */
export interface ProviderFacts {
  /** Where verification differs from the default; absent where tokens are no JWTs. */
  readonly jwt?: Pick<JwtVerifierOptions, 'typ' | 'scopeClaims' | 'clientIdClaims' | 'audienceClaim'>
  /** What its tokens name as audience. */
  readonly audience: string
  /** Public documents that say so. */
  readonly sources: readonly string[]
  /** When they were last read: year, month, day. */
  readonly checkedOn: string
}

const checkedOn = '2026-11-29'

/** What the presets know. None of these issuers marks access tokens with `at+jwt` unless told to, so all are told from ID tokens by their claims. */
export const PROVIDER_FACTS: Readonly<Record<ProviderName, ProviderFacts>> = {
  entra: {
    // Application permissions come as roles.
    jwt: { typ: 'any', scopeClaims: ['scp', 'roles'], clientIdClaims: ['azp', 'appid'] },
    audience: "The client id of the API's registration (version 2 tokens), whatever resource was asked for.",
    sources: ['https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference'],
    checkedOn,
  },
  auth0: {
    // `permissions` is there where role-based access control is on for the API.
    jwt: { typ: 'any', scopeClaims: ['scope', 'permissions'], clientIdClaims: ['client_id', 'azp'] },
    audience:
      'The identifier of the API, beside that of the userinfo endpoint. It follows `resource` only with the Resource Parameter Compatibility Profile.',
    sources: [
      'https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles',
      'https://auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile',
    ],
    checkedOn,
  },
  okta: {
    jwt: { typ: 'any', scopeClaims: ['scp'], clientIdClaims: ['cid'] },
    audience:
      'What is configured for the authorization server, one for all its tokens: `api://default` for the default one.',
    sources: [
      'https://developer.okta.com/docs/guides/customize-authz-server/main/',
      'https://www.npmjs.com/package/@okta/jwt-verifier',
    ],
    checkedOn,
  },
  keycloak: {
    jwt: { typ: 'any', scopeClaims: ['scope'], clientIdClaims: ['azp', 'client_id'] },
    audience:
      'What an audience mapper of a client scope says; `resource` is ignored, and without a mapper there is `account` at most.',
    sources: ['https://www.keycloak.org/securing-apps/mcp-authz-server'],
    checkedOn,
  },
  cognito: {
    jwt: { typ: 'any', scopeClaims: ['scope'], clientIdClaims: ['client_id'], audienceClaim: 'client_id' },
    audience: 'None: `client_id` is all that tells tokens for this server from others.',
    sources: [
      'https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html',
    ],
    checkedOn,
  },
  google: {
    audience: 'The client id. Tokens are opaque, and the tokeninfo endpoint says what they are.',
    sources: ['https://developers.google.com/identity/protocols/oauth2'],
    checkedOn,
  },
  workos: {
    jwt: { typ: 'any', scopeClaims: ['scope'], clientIdClaims: ['client_id', 'azp'] },
    audience: 'The resource, once it is listed among the resource indicators of the environment; else the client id.',
    sources: ['https://workos.com/docs/authkit/mcp'],
    checkedOn,
  },
}
