export {
  buildAuthorizationUrl,
  constantTimeEqual,
  createPkce,
  createState,
  validateAuthorizationResponse,
} from './oauth/protocol/authorization.ts'
export type { AuthorizationRequest, ExpectedAuthorization, RandomBytes } from './oauth/protocol/authorization.ts'
export { authorizationChallenge, parseChallenges } from './oauth/protocol/challenge.ts'
export type { AuthorizationChallenge, Challenge } from './oauth/protocol/challenge.ts'
export {
  applyClientAuthentication,
  chooseAuthenticationMethod,
  chooseRegistrationMethod,
} from './oauth/protocol/client-authentication.ts'
export type { AuthenticatingClient, ClientAuthenticationMethod } from './oauth/protocol/client-authentication.ts'
export {
  assertClientIdMetadataDocumentUrl,
  clientIdMetadataDocument,
  isClientIdMetadataDocumentUrl,
} from './oauth/protocol/client-id-metadata.ts'
export type { ClientIdMetadata } from './oauth/protocol/client-id-metadata.ts'
export { checkClientIdMetadataDocument } from './oauth/protocol/client-id-metadata-check.ts'
export type { ClientIdMetadataSource } from './oauth/protocol/client-id-metadata-check.ts'
export type { ClientIdMetadataFinding } from './oauth/protocol/client-id-metadata-finding.ts'
export { DEFAULT_REDIRECT_PORTS } from './oauth/protocol/client-id-metadata-redirects.ts'
export { displayText, displayUrl } from './oauth/protocol/display-text.ts'
export type { DocumentAnswer, HttpAnswer } from './oauth/protocol/http-answer.ts'
export { minimalRegistrationBody, readRegistrationResponse, registrationBody } from './oauth/protocol/registration.ts'
export type { ClientDescription, RegistrationRequest } from './oauth/protocol/registration.ts'
export { readResourceMetadata, resourceIndicator, resourceMetadataUrls } from './oauth/protocol/resource-metadata.ts'
export type {
  ProtectedResourceMetadata,
  ResourceMetadataContext,
  ResourceMetadataVerdict,
} from './oauth/protocol/resource-metadata.ts'
export { readRevocationResponse, revocationForm } from './oauth/protocol/revocation.ts'
export { determineScope, hasScope, parseScope, unionScopes } from './oauth/protocol/scope.ts'
export type { DeterminedScope, ScopeSources } from './oauth/protocol/scope.ts'
export { legacyServerMetadata, readServerMetadata, serverMetadataUrls } from './oauth/protocol/server-metadata.ts'
export type {
  AuthorizationServerMetadata,
  ServerMetadataContext,
  ServerMetadataVerdict,
} from './oauth/protocol/server-metadata.ts'
export { isWithinServer, normalizeServerUrl } from './oauth/protocol/server-url.ts'
export { authorizationCodeForm, readTokenResponse, refreshForm } from './oauth/protocol/token.ts'
export type { AuthorizationCodeRequest, RefreshRequest, TokenResponse } from './oauth/protocol/token.ts'
