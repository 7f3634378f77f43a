export type {
  Authorizer,
  CallbackHandler,
  CallbackOutcome,
  PreparedAuthorizer,
  PrepareOptions,
} from './oauth/authorizer.ts'
export { OAuthError, type OAuthErrorCode, type OAuthErrorDetail } from './oauth/errors.ts'
export type { OAuthEvent } from './oauth/events.ts'
export { authorizationCode, type AuthorizationCodeOptions } from './oauth/flows/authorization-code.ts'
export {
  clientCredentials,
  privateKeyJwt,
  type ClientCredentialsOptions,
  type PrivateKeyJwtOptions,
} from './oauth/flows/client-credentials.ts'
export type { PersonClientOptions } from './oauth/flows/person-client.ts'
export { device, type DeviceCode, type DeviceOptions } from './oauth/flows/device.ts'
export {
  identityAssertion,
  type IdentityAssertionOptions,
  type IdentityProvider,
} from './oauth/flows/identity-assertion.ts'
export { openIdLogin, type OpenIdLogin, type OpenIdLoginOptions } from './oauth/flows/openid-login.ts'
export { staticToken, type TokenSource } from './oauth/flows/static-token.ts'
export {
  workloadIdentity,
  type AssertionSource,
  type WorkloadIdentityOptions,
} from './oauth/flows/workload-identity.ts'
export type {
  BegunLogin,
  ClientMetadata,
  ClientPrivateKey,
  ElsewhereRequest,
  GrantContext,
  GrantStrategy,
  IdTokenRequest,
  PreRegisteredClient,
  SuppliedToken,
} from './oauth/grant-strategy.ts'
export type { ClientDeletion } from './oauth/client-deletion.ts'
export type { AuthorizationTarget } from './oauth/discovery.ts'
export { BUILT_IN_ISSUER_EXCEPTIONS, type IssuerException } from './oauth/issuer-exceptions.ts'
export type { LogoutOptions, LogoutReport, Revocation } from './oauth/logout.ts'
export { createOAuthSession, type OAuthSession } from './oauth/session.ts'
export type { LoginOptions, OAuthSessionOptions } from './oauth/session-options.ts'
export type { LoginStatus } from './oauth/status.ts'
export {
  MAX_PENDING_LOGINS,
  type ClientRegistration,
  type CredentialKey,
  type CredentialRecord,
  type CredentialStore,
  type IssuerCredentials,
  type LoginUnderWay,
  type PendingLogin,
  type RefreshMark,
  type StoredGrant,
  type VersionedRecord,
} from './oauth/store/credential-store.ts'
export { createMemoryStore } from './oauth/store/memory-store.ts'
export { readCredentialRecord, type RecordOrigin } from './oauth/store/record-format.ts'
export type { DpopJwk } from './oauth/protocol/dpop.ts'
export type { ClientKey, PrivateKey, RemoteSigner, SigningAlgorithm } from './oauth/protocol/signing-key.ts'
export { StoreError, type StoreErrorCode } from './oauth/store/store-error.ts'
export { isAuthorizedFetch, withOAuth, type AuthorizationContext, type AuthorizedFetch } from './oauth/with-oauth.ts'
