export type { ClaimNames } from './resource-server/access-token-info.ts'
export { createDpopNonces, type DpopNonces, type DpopNoncesOptions } from './resource-server/dpop-nonces.ts'
export { googleVerifier } from './resource-server/google-verifier.ts'
export { firstOf } from './resource-server/first-of.ts'
export type { VerifierWorld } from './resource-server/guarded-request.ts'
export type { IntrospectionClient } from './resource-server/introspection-request.ts'
export {
  introspectionVerifier,
  type IntrospectionCacheTimes,
  type IntrospectionVerifier,
  type IntrospectionVerifierOptions,
} from './resource-server/introspection-verifier.ts'
export { jwtVerifier, type JwtVerifierOptions } from './resource-server/jwt-verifier.ts'
export { protect } from './resource-server/protect.ts'
export type { ProtectOptions } from './resource-server/protect-options.ts'
export {
  type Auth0Options,
  auth0,
  type CognitoOptions,
  cognito,
  type EntraOptions,
  entra,
  type GoogleOptions,
  google,
  type KeycloakOptions,
  keycloak,
  type OktaOptions,
  okta,
  type ProviderOptions,
  type WorkosOptions,
  workos,
} from './resource-server/provider-presets.ts'
export { PROVIDER_FACTS, type ProviderFacts, type ProviderName } from './resource-server/provider-facts.ts'
export type { ProtectionFinding, ProtectionFindingCode } from './resource-server/protection-finding.ts'
export {
  createMemoryReplayCache,
  type MemoryReplayCacheOptions,
  type ReplayCache,
} from './resource-server/replay-cache.ts'
export { checkProtection, type SelfCheckOptions } from './resource-server/self-check.ts'
export {
  TokenError,
  type TokenChallengeError,
  type TokenErrorCode,
  type TokenErrorDetail,
} from './resource-server/token-error.ts'
export type { DpopTerms, PresentedToken, Recognition, TokenVerifier } from './resource-server/token-verifier.ts'
export { type DpopOptions, withDpop } from './resource-server/with-dpop.ts'
export type { AuthInfo } from './server/auth-info.ts'
