import type { FindingDescription } from './finding.ts'

/** Found about the client, its registration, and the login that is kept here. */
export type LoginFindingCode =
  | 'registration_required'
  | 'registration_refused'
  | 'registration_invalid'
  | 'client_unknown'
  | 'client_forgotten'
  | 'client_of_other_issuer'
  | 'client_secret_expired'
  | 'client_metadata_document_unsupported'
  | 'client_metadata_document_refused'
  | 'redirect_uri_refused'
  | 'store_unreadable'
  | 'login_needed'
  | 'login_expired'
  | 'login_of_other_client'
  | 'login_at_other_issuer'
  | 'refresh_refused'
  | 'token_endpoint_unavailable'
  | 'token_rejected'
  | 'token_forbidden'
  | 'insufficient_scope'

const LOG_IN = 'Log in: `latchkey login`.'
const error = { severity: 'error', concern: 'authorization' } as const
const warning = { severity: 'warning', concern: 'authorization' } as const

export const LOGIN_FINDINGS: Readonly<Record<LoginFindingCode, FindingDescription>> = {
  registration_required: {
    ...error,
    title: 'The authorization server does not let clients register themselves',
    meaning: 'It has no registration endpoint and takes no client-id metadata document that is configured here.',
    user: 'Register a client with the provider, and give it: `latchkey login --client-id ID`.',
    operator: 'Support client-id metadata documents or dynamic registration, or publish a client id for this client.',
  },
  registration_refused: {
    ...error,
    title: 'The authorization server refuses to register this client',
    meaning: 'It may admit approved clients only, or wants an initial access token.',
    user: 'Use a client that the provider registered (`--client-id`), or its API key (`--header`).',
    operator: 'Let clients register that follow RFC 7591, or document how to get a client id.',
  },
  registration_invalid: {
    ...error,
    title: 'The answer to a registration is not usable',
    meaning: 'It has no client id, or names an authentication method without its secret (RFC 7591 §3.2.1).',
    user: 'Use a client that the provider registered: `--client-id`.',
    operator: 'Answer with client_id and, for methods with a secret, client_secret.',
  },
  client_unknown: {
    ...error,
    title: 'The authorization server does not know this client',
    meaning:
      'Its authorization page refuses the client id: a login would end on an error page, with nothing coming back.',
    user: 'Check the client id. One that was registered by hand may have been deleted.',
    operator: 'See why the client is no longer known, and let clients register.',
  },
  client_forgotten: {
    ...warning,
    title: 'The authorization server has forgotten the registered client',
    meaning: 'The client that registered itself is unknown now. The next login registers a new one.',
    user: `${LOG_IN} What is logged in now can no longer be refreshed.`,
    operator: 'Keep registered clients, at least while they are used.',
  },
  client_of_other_issuer: {
    ...error,
    title: 'The configured client belongs to another authorization server',
    meaning: 'The MCP server names another authorization server than the one at which this client was used before.',
    user: 'If the move is genuine: `latchkey logout --client`, then log in with a client of the new one.',
    operator: 'Announce a change of the authorization server.',
  },
  client_secret_expired: {
    ...warning,
    title: 'The secret of the registered client has expired',
    meaning: 'The client that registered itself can no longer authenticate. The next login registers a new one.',
    user: LOG_IN,
    operator: 'Issue secrets that do not expire while they are used, or register public clients.',
  },
  client_metadata_document_unsupported: {
    ...warning,
    title: 'The client-id metadata document is not used',
    meaning: 'The authorization server does not say that it takes one, so the client registers itself instead.',
    user: 'Nothing, unless the registration fails.',
    operator: 'Publish `client_id_metadata_document_supported: true` once it is.',
  },
  client_metadata_document_refused: {
    ...warning,
    title: 'The authorization server refuses the client-id metadata document',
    meaning: 'It says that it takes such documents, but not this one; the client registers itself instead.',
    user: 'Check the document: `latchkey cimd validate URL`.',
    operator: 'See why the document cannot be fetched or is refused.',
  },
  redirect_uri_refused: {
    ...error,
    title: 'The authorization server refuses the redirect URI',
    meaning: 'It is not among those registered with the client: host, port and path must fit.',
    user: 'Set `--callback-host`, `--redirect-port` and `--callback-path` as the client was registered.',
    operator: 'Compare loopback redirect URIs without their port (RFC 8252 §7.3).',
  },
  store_unreadable: {
    ...error,
    title: 'The stored login cannot be read',
    meaning: 'It is there, but locked, damaged, or sealed with a key that is not available here.',
    user: 'Unlock the keychain, or see what the hint says about the file.',
    operator: 'Nothing: this is on the side of the client.',
  },
  login_needed: {
    severity: 'info',
    concern: 'authorization',
    title: 'There is no login yet',
    meaning: 'The server needs one, and none is stored for this profile.',
    user: LOG_IN,
    operator: 'Nothing.',
  },
  login_expired: {
    ...error,
    title: 'The login has expired',
    meaning: 'The access token has ended, and there is nothing to renew it with.',
    user: LOG_IN,
    operator: 'Issue refresh tokens, so that people need not log in again and again.',
  },
  login_of_other_client: {
    ...warning,
    title: 'The stored login was made as another client',
    meaning: 'The client configured here cannot use tokens that were issued to another one.',
    user: `${LOG_IN} Or use the profile of that client.`,
    operator: 'Nothing.',
  },
  login_at_other_issuer: {
    ...warning,
    title: 'The stored login is of another authorization server',
    meaning: 'The server no longer names the authorization server that issued the tokens.',
    user: `${LOG_IN} Only do so if you expect the change.`,
    operator: 'Announce a change of the authorization server, and take the old tokens until they expire.',
  },
  refresh_refused: {
    ...error,
    title: 'The login can no longer be renewed',
    meaning: 'The authorization server refused the refresh token: revoked, spent, or bound to a client that is gone.',
    user: LOG_IN,
    operator: 'With rotation, allow for a short time in which the last refresh token still works.',
  },
  token_endpoint_unavailable: {
    severity: 'error',
    concern: 'connection',
    title: 'The login cannot be renewed now',
    meaning: 'The token endpoint cannot be reached, or answers with 5xx or 429. Nothing is lost.',
    user: 'Try again later.',
    operator: 'See that the token endpoint is up.',
  },
  token_rejected: {
    ...error,
    title: 'The server rejects the token',
    meaning: 'A token that has not expired is refused: revoked, or server and authorization server disagree about it.',
    user: 'Log in again: `latchkey login --force`.',
    operator: 'Compare issuer, audience, keys and clocks of both servers.',
  },
  token_forbidden: {
    ...error,
    title: 'The account may not use the server',
    meaning: 'The server takes the token and answers 403 without asking for more scopes.',
    user: 'Log in with another account, or ask for access.',
    operator: 'Say in a challenge which scope is missing, if one is (RFC 6750 §3.1).',
  },
  insufficient_scope: {
    ...error,
    title: 'The login lacks a scope that the server asks for',
    meaning: 'The server answers 403 with insufficient_scope, already to what every client asks first.',
    user: 'Log in with the scope that the hint names: `latchkey login --scope "…"`.',
    operator: 'Name every scope that clients need at first in the challenge, or in `scopes_supported` of the metadata.',
  },
}
