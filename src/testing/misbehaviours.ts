import type { Fault, FaultPoint } from './faults.ts'

/** One of the three well-known documents that may carry authorization server metadata. */
export type ServerMetadataDocument = 'oauth' | 'oidc' | 'oidc-append'

/** A client authentication method the machine knows how to check. */
export type CheckedAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post'

/**
 * Every switch of the misbehaving server. Each has a well-behaved default (see {@link WELL_BEHAVED}), and each says which rule
 * or field case it serves. `null` stands for "the default value" or, where noted, for an absent member.
 */
export interface Misbehaviours {
  // Challenge

  /** What a 401 carries: a full `Bearer` challenge, one without `resource_metadata`, one behind a `Basic` challenge, or none at all (D9). */
  readonly challenge: 'full' | 'without-metadata' | 'behind-basic' | 'none'
  /** The `scope` of the 401 challenge; `null` leaves it out (R-SCOPE-1). */
  readonly challengeScope: string | null
  /** The `resource_metadata` URL the challenge names instead of the real one (R-PRM-1, D13). */
  readonly challengeMetadataUrl: string | null
  /** The answer to a request without a token: a 401, a 403, or a 302 to a login page on another origin (D10). */
  readonly unauthenticated: '401' | '403' | '302'

  // Protected resource metadata

  /** Where the document is: inserted before the path, at the root, at a URL only the challenge names, or nowhere (D13, R-PRM-6). */
  readonly resourceMetadataAt: 'path' | 'root' | 'named' | 'nowhere'
  /** What its body is: the document, HTML (D6), broken JSON, `{}`, or an object whose members have the wrong types (R-PRM-2). */
  readonly resourceMetadataBody: 'document' | 'html' | 'not-json' | 'empty-object' | 'wrong-types'
  /** The `resource` it claims; `null` for the MCP URL as given (D11, D12, A14). */
  readonly resource: string | null
  /** Its `authorization_servers`; `null` for the machine's first issuer (R-PRM-4, D20). An issuer the machine does not host is a host name that cannot be found. */
  readonly authorizationServers: readonly string[] | null
  /** Its `scopes_supported`; `null` leaves it out (S5, S8). */
  readonly resourceScopes: readonly string[] | null

  // Authorization server metadata

  /** Which well-known names serve the document; an empty list publishes none (D1, R-PRM-6). */
  readonly serverMetadataAt: readonly ServerMetadataDocument[]
  /** What every well-known name that serves no document answers: 404, or a 200 with HTML (D6). */
  readonly unknownPages: 'not-found' | 'html'
  /** The `issuer` in the document: identical, with one slash more or less (D5), or any other string (D4). */
  readonly metadataIssuer: 'identical' | 'other-slash' | { readonly value: string }
  /** Where `code_challenge_methods_supported` holds `S256`: in every document, in none (D15), in the OIDC ones only, or it says `plain`. */
  readonly pkceAdvertised: 'everywhere' | 'nowhere' | 'oidc-only' | 'plain-only'
  /** `authorization_endpoint` instead of the real one: `javascript:…`, plain http, a foreign host (R-ASM-4, A20). */
  readonly authorizationEndpoint: string | null
  /** `token_endpoint` instead of the real one (R-ASM-4). */
  readonly tokenEndpoint: string | null
  /** `registration_endpoint` instead of the real one. */
  readonly registrationEndpoint: string | null
  /** Whether registration is offered (R1). */
  readonly registrationOffered: boolean
  /** Whether revocation is offered (L10). */
  readonly revocationOffered: boolean
  /** The authorization server's `scopes_supported`, which also bounds what it grants; `null` leaves it out and grants anything (S5, R-SCOPE-4). */
  readonly serverScopes: readonly string[] | null
  /** `token_endpoint_auth_methods_supported`; `null` leaves it out. */
  readonly advertisedMethods: readonly string[] | null
  /** The methods the token endpoint really honours, whatever it advertises (T5). */
  readonly honouredMethods: readonly CheckedAuthenticationMethod[]
  /** The JSON value of `client_id_metadata_document_supported`; `undefined` leaves it out (R-CIMD-1: only `true` counts). */
  readonly clientIdMetadataDocumentSupported: unknown
  /** What becomes of a client id that is a URL: accepted, refused at the authorization endpoint, or at the token endpoint (R12). */
  readonly clientIdMetadataDocument: 'accepted' | 'refused-at-authorize' | 'refused-at-token'

  /** How the authorization endpoint says that it does not know the client: a page, JSON, a redirect to an error page of its own, or a 500 (R3, A22). */
  readonly unknownClient: 'page' | 'json' | 'redirect' | 'server-error'

  // Registration

  /** The initial access token that a registration must bring (RFC 7591 §3); `null` asks for none. */
  readonly initialAccessToken: string | null
  /** Open to all; refused with 403 and a text (R2); or refusing any member outside RFC 7591 and the one named `application_type` with 400 (R9, `minimal`). */
  readonly registration: 'open' | 'refused' | 'strict' | 'minimal'
  /** The status of success (R-DCR-2). */
  readonly registrationStatus: 200 | 201
  /** The method the answer assigns, whatever was asked for (R7); `null` assigns what was asked. */
  readonly registrationMethod: string | null
  /** Whether a client with a secret method is given its secret, or not, which makes the answer unusable (R-DCR-2). */
  readonly registrationSecret: 'given' | 'missing'
  /** Seconds until the secret expires; 0 is never (R-DCR-4). */
  readonly secretLifetimeS: number
  /** Whether a registration comes with a management URL and token (RFC 7592), and whether a client may then delete itself. */
  readonly registrationManagement: 'none' | 'offered' | 'refused'
  /** Grants only scopes that were in the registration (R8). */
  readonly registeredScopesOnly: boolean

  // Authorization

  /** What becomes of `resource`: it must be the right one (A14), it is ignored, or any is refused (A11). */
  readonly resourceIndicator: 'checked' | 'ignored' | 'refused'
  /** Whether `offline_access` may be asked for, or is `invalid_scope` (T15). */
  readonly offlineAccess: 'allowed' | 'refused'
  /** The scope granted, whatever was asked; `null` grants what was asked (S11). */
  readonly grantedScope: string | null
  /** Whether registered redirect URIs are compared exactly (R13) or loopback ones without their port (RFC 8252 §7.3). */
  readonly redirectUriMatch: 'exact' | 'any-loopback-port'
  /** The `error` every authorization ends with; `null` approves (A10). */
  readonly authorizationError: string | null
  /** What comes back as `state` (R-AUTHZ-3). */
  readonly state: 'echoed' | 'altered' | 'missing'
  /** `authorization_response_iss_parameter_supported` in the metadata (R-AUTHZ-2). */
  readonly issAdvertised: boolean
  /** What comes back as `iss` (R-AUTHZ-2, A21). */
  readonly iss: 'right' | 'missing' | 'wrong' | 'duplicated'

  // Tokens

  /** Media type and syntax of token answers: JSON, form unless JSON is asked for (T1), form always, JSON labelled `text/plain`. */
  readonly tokenFormat: 'json' | 'form-unless-asked' | 'form' | 'json-as-text'
  /** The status of OAuth errors: 400 (401 for `invalid_client`), always 401, always 400 (R11), or 200 (T2). */
  readonly errorStatus: 'by-the-book' | 200 | 400 | 401
  /** `token_type` in the answer; `null` leaves it out (R-TOKEN-1). */
  readonly tokenType: string | null
  /** Seconds an access token really lives. */
  readonly accessTokenLifetimeS: number
  /** What the answer says about it: the truth, nothing (T9), or this JSON value. */
  readonly expiresIn: 'truth' | 'absent' | { readonly value: unknown }
  /** Sends `null` for each optional member that is absent, in token and registration answers (R-TOKEN-1, R-DCR-2). */
  readonly nullMembers: boolean
  /** Adds a foreign `issuer` to token and registration answers (R-DCR-3). */
  readonly issuerMember: string | null
  /** Whether a login brings a refresh token: always, with `offline_access` only (T14), or never (T21). */
  readonly refreshToken: 'always' | 'with-offline-access' | 'never'
  /** A refresh rotates the refresh token and answers a reused one by revoking the family (M1), by refusing it (M12), or does not rotate and repeats or omits it (T7). */
  readonly rotation: 'detecting-reuse' | 'plain' | 'none-repeated' | 'none-omitted'
  /** Whether answers carry `scope` (T7, R-SCOPE-8). */
  readonly scopeMember: 'sent' | 'absent-on-refresh' | 'absent'
  /** The error code that a dead refresh token gets (T13). */
  readonly deadRefreshError: string

  // Resource server

  /** Whether the resource server takes tokens, or rejects even fresh ones (T23). */
  readonly tokens: 'honoured' | 'rejected'
  /** What a call without its scope gets: a 403 challenge, one without `scope`, one even when the scope is held (S4), or a 403 that is no challenge (R-RETRY-2). */
  readonly insufficientScope: 'challenge' | 'challenge-without-scope' | 'challenge-always' | 'plain-403'
  /** What needs a token: every request, only tool calls (X7), or nothing. */
  readonly protection: 'everything' | 'tool-calls' | 'nothing'

  /** What goes wrong at which point, and how often. A fault comes before every other switch. */
  readonly faults: Readonly<Partial<Record<FaultPoint, Fault>>>
}

/** The defaults: nothing misbehaves. */
export const WELL_BEHAVED: Misbehaviours = {
  challenge: 'full',
  challengeScope: null,
  challengeMetadataUrl: null,
  unauthenticated: '401',
  resourceMetadataAt: 'path',
  resourceMetadataBody: 'document',
  resource: null,
  authorizationServers: null,
  resourceScopes: ['files:read'],
  serverMetadataAt: ['oauth'],
  unknownPages: 'not-found',
  metadataIssuer: 'identical',
  pkceAdvertised: 'everywhere',
  authorizationEndpoint: null,
  tokenEndpoint: null,
  registrationEndpoint: null,
  registrationOffered: true,
  revocationOffered: true,
  serverScopes: ['files:read', 'files:write', 'files:admin', 'offline_access'],
  advertisedMethods: ['none', 'client_secret_basic', 'client_secret_post'],
  honouredMethods: ['none', 'client_secret_basic', 'client_secret_post'],
  clientIdMetadataDocumentSupported: undefined,
  clientIdMetadataDocument: 'accepted',
  unknownClient: 'page',
  initialAccessToken: null,
  registration: 'open',
  registrationStatus: 201,
  registrationMethod: null,
  registrationSecret: 'given',
  secretLifetimeS: 0,
  registrationManagement: 'none',
  registeredScopesOnly: false,
  resourceIndicator: 'checked',
  offlineAccess: 'allowed',
  grantedScope: null,
  redirectUriMatch: 'exact',
  authorizationError: null,
  state: 'echoed',
  issAdvertised: true,
  iss: 'right',
  tokenFormat: 'json',
  errorStatus: 'by-the-book',
  tokenType: 'Bearer',
  accessTokenLifetimeS: 3600,
  expiresIn: 'truth',
  nullMembers: false,
  issuerMember: null,
  refreshToken: 'always',
  rotation: 'detecting-reuse',
  scopeMember: 'sent',
  deadRefreshError: 'invalid_grant',
  tokens: 'honoured',
  insufficientScope: 'challenge',
  protection: 'everything',
  faults: {},
}
