import type { OAuthSessionOptions } from '../oauth/session-options.ts'
import type { FindingCode, FindingDescription } from './finding.ts'

/** One thing that was looked at. */
export interface DiagnosisStep {
  /** In words: `protected resource metadata`. */
  readonly step: string
  /** False only where an error was found. */
  readonly ok: boolean
  readonly url?: string
  readonly expected?: string
  readonly received?: string
  /** What to do, in this very case. */
  readonly hint?: string
  /** What was found here; described in {@link Diagnosis.findings}. */
  readonly findings?: readonly FindingCode[]
}

/** Something worth knowing about this server. */
export interface Finding extends FindingDescription {
  readonly code: FindingCode
  /** Where it was found. */
  readonly step: string
  readonly url?: string
  readonly expected?: string
  readonly received?: string
  readonly hint?: string
}

/** What {@link diagnose} saw. Holds no secret; texts of servers are cleaned and capped. */
export interface Diagnosis {
  /** No finding is an error. */
  readonly ok: boolean
  /** Normalized URL of the server. */
  readonly server: string
  /** In the order in which they were taken. */
  readonly steps: readonly DiagnosisStep[]
  /** In the order in which they were found; the first error is most often the cause of what follows. */
  readonly findings: readonly Finding[]
}

/** What a diagnosis goes by: what the session of this server is made with, and what only a diagnosis needs. */
export interface DiagnoseOptions extends Omit<OAuthSessionOptions, 'server' | 'grant' | 'interactive'> {
  /** How one would log in. Default: the authorization code grant without a client of its own. */
  readonly grant?: OAuthSessionOptions['grant']
  /** Sent to the MCP endpoint with every message. With an `Authorization` among them, OAuth is not looked at. */
  readonly headers?: Readonly<Record<string, string>>
  /** Registers a client, to see whether that works; it is deleted again where the server offers that. Default false. */
  readonly register?: boolean
  /** Where a browser would come back to. Default: that of a stored registration, else `http://127.0.0.1/callback`. */
  readonly redirectUri?: string
  /** The host of the proxy that requests to a URL go through, without its password. */
  readonly proxyOf?: (url: string) => string | undefined
  /** Milliseconds that the MCP endpoint may take for each answer. Default 15 000. */
  readonly timeoutMs?: number
  /** Told of each step as soon as it is taken. Must not throw. */
  readonly onStep?: (step: DiagnosisStep) => void
  readonly signal?: AbortSignal
}
