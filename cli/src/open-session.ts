import type { CredentialKey, CredentialStore, OAuthEvent, OAuthSession, OAuthSessionOptions } from 'latchkey/oauth'
import { chooseSettings } from './chosen-settings.ts'
import type { CommandContext } from './command-context.ts'
import type { LoginOptions } from './login-options.ts'
import { eventLine, noticeLine } from './event-line.ts'
import { readHeaderOptions } from './header-options.ts'
import { createLoginGrant } from './login-grant.ts'
import { readLoginSettings, writeLoginSettings } from './login-settings.ts'
import { createFetch, sayProxy } from './proxy-fetch.ts'
import { withServerHeaders } from './server-fetch.ts'
import { stateDirectory } from './state-directory.ts'
import { UsageError } from './usage-error.ts'

/** Which login a command works with, and what it may do. */
export interface SessionRequest {
  readonly server: string
  /** Default: `--profile`. */
  readonly profile?: string
  /** Default: the store of the environment. */
  readonly store?: CredentialStore
  /** Whether a browser may be opened. */
  readonly interactive: boolean
  /** The options of `login`. */
  readonly login?: LoginOptions
}

/**
 * Opens the session of one login, with everything wired that a command line has: store, proxy, browser, events on stderr.
 * Whoever opens it closes it: closing waits for a token that is being redeemed.
 *
 * @throws {UsageError} @throws {OAuthError} `configuration` @throws {StoreError}
 */
export async function openSession(context: CommandContext, request: SessionRequest): Promise<OAuthSession> {
  const { createOAuthSession } = await import('latchkey/oauth')
  return createOAuthSession(await sessionOptions(context, request))
}

/** What {@link openSession} makes the session with. @throws {UsageError} @throws {OAuthError} `configuration` @throws {StoreError} */
export async function sessionOptions(context: CommandContext, request: SessionRequest): Promise<OAuthSessionOptions> {
  const { io, options } = context
  const [{ createDefaultStore, createHostResolver, readIssuerExceptions }, { normalizeServerUrl }] = await Promise.all([
    import('latchkey/node'),
    import('latchkey/oauth/protocol'),
  ])
  const server = normalizeServerUrl(serverUrl(request.server))
  const key: CredentialKey = { server, profile: request.profile ?? options.profile }
  await sayProxy(context, server)
  const directory = await stateDirectory(io)
  const issuerExceptions = readIssuerExceptions(directory)
  const store = request.store ?? createDefaultStore()
  const [fetch, stored] = await Promise.all([createFetch(io.env), readLoginSettings(directory, key)])
  const settings = chooseSettings(stored, request.login)
  const login = request.login && { login: request.login }
  const grant = await createLoginGrant(context, { key, settings, store, fetch, ...login })
  const headers = readHeaderOptions(options.header, io.env)
  return {
    ...key,
    store,
    fetch: withServerHeaders(headers, server, fetch),
    interactive: request.interactive,
    now: io.now,
    ...(io.sleep && { sleep: io.sleep }),
    grant,
    issuerExceptions,
    resolveHost: createHostResolver(io.env),
    onEvent: event => {
      showEvent(context, event)
    },
  }
}

/** Keeps how a login that succeeded was made, for the next one and for refreshes. */
export async function rememberLogin({ io }: CommandContext, session: OAuthSession, login: LoginOptions): Promise<void> {
  const directory = await stateDirectory(io)
  await writeLoginSettings(directory, session, chooseSettings(await readLoginSettings(directory, session), login))
}

/** Whether a person logs in where a machine did, whose token still works and would be taken for theirs. */
export async function followsMachine(
  { io }: CommandContext,
  session: OAuthSession,
  login: LoginOptions,
): Promise<boolean> {
  const stored = await readLoginSettings(await stateDirectory(io), session)
  return stored.grant === 'client-credentials' && chooseSettings(stored, login).grant !== 'client-credentials'
}

/** Whether logging in may help. */
export function needsLogin(error: unknown): boolean {
  return error instanceof Error && error.name === 'OAuthError' && 'code' in error && error.code === 'login_required'
}

function showEvent({ terminal, options }: CommandContext, event: OAuthEvent): void {
  const { style } = terminal
  if (options.verbose === true) {
    terminal.say(style.dim(`· ${eventLine(event)}`))
    return
  }
  const notice = noticeLine(event)
  if (notice !== undefined) terminal.say(`${style.yellow('!')} ${notice}`)
}

/** A URL typed without its scheme is the commonest slip. */
function serverUrl(typed: string): string {
  if (/^https?:\/\//i.test(typed)) return typed
  const guess = `https://${typed}`
  throw new UsageError(
    'the server is given by its http or https URL',
    /^[a-z0-9.-]+(:\d+)?(\/\S*)?$/i.test(typed) && URL.canParse(guess) ? guess : 'https://mcp.example.com/mcp',
  )
}
