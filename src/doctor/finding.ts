import { AUTHORIZATION_SERVER_FINDINGS, type AuthorizationServerFindingCode } from './authorization-server-findings.ts'
import { CONNECTION_FINDINGS, type ConnectionFindingCode } from './connection-findings.ts'
import { LOGIN_FINDINGS, type LoginFindingCode } from './login-findings.ts'
import { RESOURCE_FINDINGS, type ResourceFindingCode } from './resource-findings.ts'
import { SERVER_FINDINGS, type ServerFindingCode } from './server-findings.ts'

/** `error`: this does not work. `warning`: it works, but is wrong or about to fail. `info`: good to know. */
export type FindingSeverity = 'error' | 'warning' | 'info'

/** What fails with an error: reaching the server, the protocol that is spoken there, or authorization. */
export type FindingConcern = 'connection' | 'protocol' | 'authorization'

/** What one code means, whatever the server. */
export interface FindingDescription {
  readonly severity: FindingSeverity
  readonly concern: FindingConcern
  readonly title: string
  readonly meaning: string
  /** What whoever uses the server can do. */
  readonly user: string
  /** What whoever runs the server, or its authorization server, can do. */
  readonly operator: string
}

/** Everything that a diagnosis can find, as a closed list that callers may switch on. */
export type FindingCode =
  | ConnectionFindingCode
  | ServerFindingCode
  | ResourceFindingCode
  | AuthorizationServerFindingCode
  | LoginFindingCode

/** Every finding, described. */
export const FINDINGS: Readonly<Record<FindingCode, FindingDescription>> = {
  ...CONNECTION_FINDINGS,
  ...SERVER_FINDINGS,
  ...RESOURCE_FINDINGS,
  ...AUTHORIZATION_SERVER_FINDINGS,
  ...LOGIN_FINDINGS,
}

/** The same by the part of the way where they are found, in its order. */
export const FINDING_GROUPS: Readonly<Record<string, Readonly<Record<string, FindingDescription>>>> = {
  'The connection': CONNECTION_FINDINGS,
  'The server': SERVER_FINDINGS,
  'Protected resource metadata': RESOURCE_FINDINGS,
  'The authorization server': AUTHORIZATION_SERVER_FINDINGS,
  'The client and the login': LOGIN_FINDINGS,
}
