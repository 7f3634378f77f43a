import type { OAuthError, StoreError } from 'latchkey/oauth'
import type { RpcError, TransportError } from 'latchkey/client'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { OutputError } from './output-error.ts'
import { shellWord } from './shell-words.ts'
import type { UsageError } from './usage-error.ts'

/** What a failure means at the command line. Holds no secret. */
export interface Failure {
  readonly exitCode: ExitCode
  readonly code: string
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
  /** Facts that the message may leave out: step, url, expected, received. */
  readonly facts: Readonly<Record<string, string>>
}

/** What the mapping needs to know of the command that failed. */
export interface FailureContext {
  /** The server as the person wrote it. */
  readonly server?: string | undefined
  readonly profile?: string | undefined
}

type OAuthErrorCode = OAuthError['code']
type TransportErrorCode = TransportError['code']

const OAUTH_EXIT_CODES: Partial<Record<OAuthErrorCode, ExitCode>> = {
  configuration: EXIT.usage,
  client_metadata_url_invalid: EXIT.usage,
  response_too_large: EXIT.unreachable,
  timeout: EXIT.unreachable,
  network: EXIT.unreachable,
  discovery_unavailable: EXIT.unreachable,
  token_unavailable: EXIT.unreachable,
  aborted: EXIT.interrupted,
  login_required: EXIT.interactionNeeded,
  step_up_required: EXIT.interactionNeeded,
  refresh_refused: EXIT.interactionNeeded,
  revocation_failed: EXIT.failed,
}

const TRANSPORT_EXIT_CODES: Partial<Record<TransportErrorCode, ExitCode>> = {
  configuration: EXIT.usage,
  aborted: EXIT.interrupted,
  unauthorized: EXIT.authorizationFailed,
  forbidden: EXIT.authorizationFailed,
  input_required: EXIT.interactionNeeded,
  task_cancelled: EXIT.failed,
  unverified_content: EXIT.failed,
}

/** A tool that wants a person to open a URL first (`URLElicitationRequiredError` of revision 2025-11-25). */
const URL_ELICITATION_REQUIRED = -32042

/** Maps any error to its exit code, a stable code, a message and a hint. The only place that decides exit codes of failures. */
export function describeFailure(error: unknown, context: FailureContext = {}): Failure {
  const known = knownError(error)
  switch (known?.family) {
    case 'usage':
      return failure(EXIT.usage, 'usage', known.error.message, known.error.hint)
    case 'output':
      return failure(EXIT.failed, 'output', known.error.message, known.error.hint)
    case 'oauth':
      return oauthFailure(known.error, context)
    case 'store': {
      const { code, message, detail } = known.error
      return failure(EXIT.failed, code, message, detail.hint, pick(detail, ['step', 'path']))
    }
    case 'transport': {
      const { code, message, detail } = known.error
      const hint = detail.hint ?? (code === 'network' ? 'check the URL and the network connection' : undefined)
      return failure(
        TRANSPORT_EXIT_CODES[code] ?? EXIT.unreachable,
        code,
        message,
        hint,
        pick(detail, ['url', 'received']),
      )
    }
    case 'rpc': {
      const { code, message } = known.error
      const exitCode = code === URL_ELICITATION_REQUIRED ? EXIT.interactionNeeded : EXIT.unreachable
      return failure(exitCode, 'rpc_error', `the server answered with an error: ${message} (${code})`)
    }
    default:
      if (isAbort(error)) return failure(EXIT.interrupted, 'aborted', 'cancelled')
      return failure(EXIT.failed, 'internal', error instanceof Error ? error.message : 'unknown error')
  }
}

function oauthFailure(error: OAuthError, context: FailureContext): Failure {
  const { code, message, detail } = error
  const exitCode = OAUTH_EXIT_CODES[code] ?? EXIT.authorizationFailed
  const hint = oauthHint(error, exitCode, context)
  return failure(exitCode, code, message, hint, pick(detail, ['step', 'url', 'expected', 'received']))
}

/** Where only a login helps, the hint is the command to type; otherwise what the library advises. */
function oauthHint(error: OAuthError, exitCode: ExitCode, context: FailureContext): string | undefined {
  const { code, detail } = error
  if (exitCode === EXIT.interactionNeeded && context.server !== undefined) {
    return loginCommand(context, code === 'step_up_required' ? detail.scope : undefined)
  }
  if (code === 'login_timeout' && context.server !== undefined) return loginCommand(context, undefined)
  return detail.hint
}

/** The command that logs in to the server of `context`, ready to paste into a shell. */
export function loginCommand(context: FailureContext, scope: string | undefined): string {
  const words = ['latchkey', 'login', shellWord(context.server ?? '<server-url>')]
  if (context.profile !== undefined && context.profile !== 'default')
    words.push('--profile', shellWord(context.profile))
  if (scope !== undefined) words.push('--scope', shellWord(scope))
  return words.join(' ')
}

type KnownError =
  | { readonly family: 'usage'; readonly error: UsageError }
  | { readonly family: 'output'; readonly error: OutputError }
  | { readonly family: 'oauth'; readonly error: OAuthError }
  | { readonly family: 'store'; readonly error: StoreError }
  | { readonly family: 'transport'; readonly error: TransportError }
  | { readonly family: 'rpc'; readonly error: RpcError }

/**
 * Finds the error that tells most: an authorization or store failure wins over a transport error that wraps it. Families are
 * told by name, so that a failure never loads the library.
 */
function knownError(error: unknown): KnownError | undefined {
  let outer: KnownError | undefined
  let at: unknown = error
  for (let depth = 0; depth < 8 && at instanceof Error; depth++, at = at.cause) {
    if (at.name === 'OAuthError') return { family: 'oauth', error: at as OAuthError }
    if (at.name === 'StoreError') return { family: 'store', error: at as StoreError }
    if (at.name === 'OutputError') return { family: 'output', error: at as OutputError }
    if (at.name === 'UsageError') return { family: 'usage', error: at as UsageError }
    if (at.name === 'TransportError') outer ??= { family: 'transport', error: at as TransportError }
    if (at.name === 'RpcError') outer ??= { family: 'rpc', error: at as RpcError }
  }
  return outer
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function pick(detail: object, names: readonly string[]): Readonly<Record<string, string>> {
  const facts = Object.entries(detail).filter(([name, value]) => names.includes(name) && typeof value === 'string')
  return Object.fromEntries(facts) as Record<string, string>
}

function failure(
  exitCode: ExitCode,
  code: string,
  message: string,
  hint?: string,
  facts: Readonly<Record<string, string>> = {},
): Failure {
  return { exitCode, code, message, ...(hint !== undefined && { hint }), facts }
}
