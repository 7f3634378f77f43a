import type { OAuthSession } from '../oauth/session.ts'
import type { LoginStatus } from '../oauth/status.ts'

const PREFIX = 'latchkey:redirect:'

/** Options of {@link loginByRedirect}. */
export interface RedirectLoginOptions {
  /** A page of this origin that calls `finishRedirect`; it may be relative to this page. */
  readonly redirectUri: string | URL
  /** Ask for exactly this scope, space-separated. */
  readonly scope?: string
  /** Shown in the address bar after the login. Default: the address of this page. */
  readonly returnTo?: string | URL
  readonly signal?: AbortSignal
}

/** A login that the page has come back from, and that is not finished yet. */
export interface ReturnedLogin {
  readonly server: string
  readonly profile: string
}

/** What is remembered of a login while the person is away, in the `sessionStorage` of the tab. */
interface Departure extends ReturnedLogin {
  readonly returnTo: string
}

/**
 * Begins a login that leaves this page for the authorization server; `finishRedirect` ends it when the person comes back. The session needs
 * a store that outlives the page. Resolves when the browser has been told to leave: do nothing more then.
 *
 * @throws {OAuthError} what `beginLogin` throws
 */
export async function loginByRedirect(session: OAuthSession, options: RedirectLoginOptions): Promise<void> {
  const { redirectUri, scope, returnTo = location.href, signal } = options
  const { url, state } = await session.beginLogin({
    redirectUri: new URL(redirectUri, location.href).href,
    ...(scope !== undefined && { scope }),
    ...(signal && { signal }),
  })
  const { server, profile } = session
  remember(state, { server, profile, returnTo: new URL(returnTo, location.href).href })
  location.assign(url.href)
}

/**
 * The login that this page has come back from, for pages with more than one server; undefined when the address holds no answer, or one to a
 * login that was not begun in this tab by `loginByRedirect`.
 */
export function returnedLogin(): ReturnedLogin | undefined {
  const answer = readAnswer()
  const departure = answer && recall(answer.state)
  return departure && { server: departure.server, profile: departure.profile }
}

/**
 * Ends the login that this page has come back from: takes the answer out of the address bar, puts the address there at which the person was,
 * and redeems the answer. Resolves to undefined when there is none for this session, so that every page may call it; call it before a router
 * looks at the address.
 *
 * @throws {OAuthError} what `finishLogin` throws; the address has been put right by then
 */
export async function finishRedirect(
  session: OAuthSession,
  options: { readonly signal?: AbortSignal } = {},
): Promise<LoginStatus | undefined> {
  const answer = readAnswer()
  if (!answer) return undefined
  const departure = recall(answer.state)
  if (departure && (departure.server !== session.server || departure.profile !== session.profile)) return undefined
  sessionStorage.removeItem(PREFIX + answer.state)
  // At once: what is loaded next may send the address of this page somewhere.
  history.replaceState(history.state, '', departure?.returnTo ?? addressWithoutAnswer())
  return session.finishLogin(answer.parameters, options)
}

function readAnswer(): { readonly state: string; readonly parameters: URLSearchParams } | undefined {
  const parameters = new URLSearchParams(location.search)
  const state = parameters.get('state')
  return state !== null && (parameters.has('code') || parameters.has('error')) ? { state, parameters } : undefined
}

/** What an authorization response adds to a redirect URI (RFC 6749 §4.1.2, RFC 9207, OpenID Connect Session Management). */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state']

function addressWithoutAnswer(): string {
  const url = new URL(location.href)
  for (const name of RESPONSE_PARAMETERS) url.searchParams.delete(name)
  return url.href
}

function remember(state: string, departure: Departure): void {
  try {
    sessionStorage.setItem(PREFIX + state, JSON.stringify(departure))
  } catch {
    // The login works without it; the person only comes back to another place.
  }
}

function recall(state: string): Departure | undefined {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(PREFIX + state) ?? 'null')
    return isDeparture(found) ? found : undefined
  } catch {
    return undefined
  }
}

function isDeparture(value: unknown): value is Departure {
  if (typeof value !== 'object' || value === null) return false
  const { server, profile, returnTo } = value as Readonly<Record<string, unknown>>
  if (typeof server !== 'string' || typeof profile !== 'string' || typeof returnTo !== 'string') return false
  return URL.canParse(returnTo) && new URL(returnTo).origin === location.origin
}
