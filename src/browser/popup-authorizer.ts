import type { Authorizer, CallbackHandler } from '../oauth/authorizer.ts'
import { OAuthError } from '../oauth/errors.ts'
import { loginGivenUp, whenLoginGivenUp } from '../oauth/login-given-up.ts'
import { displayText } from '../oauth/protocol/display-text.ts'
import { receivePopupAnswers } from './popup-answers.ts'
import { closeWindow, openEmptyWindow, watchForClosing } from './popup-window.ts'

/** Options of {@link createPopupAuthorizer}. */
export interface PopupAuthorizerOptions {
  /** A page of this origin that calls `finishPopup`; it may be relative to this page. */
  readonly redirectUri: string | URL
  /**
   * Called when a login is needed and the browser opens no window, since nobody clicked just now: show a button whose click calls `open`.
   * Without it such a login ends with `login_required`.
   */
  readonly onBlocked?: (open: () => void) => void
  /** Milliseconds a person has. Default five minutes. */
  readonly timeoutMs?: number
  /** Third parameter of `window.open`. Default: a window of 520 × 680. */
  readonly features?: string
}

/** An authorizer that logs in through a second window. */
export interface PopupAuthorizer extends Authorizer {
  /**
   * Opens the window now, and runs `task`, whose login will use it: to be called straight from a click, since a browser opens no window for a
   * page that has been busy meanwhile. A window that no login needed is closed when `task` ends.
   */
  openFor<T>(task: () => Promise<T>): Promise<T>
}

const DEFAULT_TIMEOUT_MS = 300_000
/** A timer set for longer fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Logs in through a window of its own, so that the page stays as it is. The answer comes from the page at `redirectUri`, which calls
 * `finishPopup`, over a channel that only pages of this origin hear. It may be created where there is no page, as by a server that renders one; a
 * redirect URI of another origin then ends the login with `configuration`.
 */
export function createPopupAuthorizer(options: PopupAuthorizerOptions): PopupAuthorizer {
  const { features = 'popup,width=520,height=680' } = options
  let waiting: Window | undefined

  const takeWindow = async (signal: AbortSignal): Promise<Window> => {
    const popup = waiting?.closed === false ? waiting : openEmptyWindow(features)
    waiting = undefined
    if (popup) return popup
    const { onBlocked } = options
    if (!onBlocked) throw blocked()
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(loginGivenUp()), { once: true })
      onBlocked(() => {
        const opened = signal.aborted ? undefined : openEmptyWindow(features)
        if (opened) resolve(opened)
      })
    })
  }

  return {
    async openFor(task) {
      const mine = openEmptyWindow(features)
      closeWindow(waiting)
      waiting = mine
      try {
        return await task()
      } finally {
        if (waiting === mine) {
          closeWindow(mine)
          waiting = undefined
        }
      }
    },
    async prepare({ signal }) {
      if (signal?.aborted) throw loginGivenUp()
      return {
        redirectUri: redirectUriHere(options.redirectUri),
        authorize: (url, handle) => authorize(url, handle, { takeWindow, timeoutMs: options.timeoutMs, signal }),
        close: async () => undefined,
      }
    },
  }
}

interface Attempt {
  readonly takeWindow: (signal: AbortSignal) => Promise<Window>
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
}

async function authorize(
  url: URL,
  handle: CallbackHandler,
  { takeWindow, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: Attempt,
): Promise<void> {
  const ended = new AbortController()
  const answers = receivePopupAnswers(handle)
  let popup: Window | undefined
  /** The person was in time, and did not give up, when their answer is being worked on: its outcome is the login's. */
  const unlessAnswered = async (error: OAuthError): Promise<void> => {
    if (await answers.nothingCame()) throw error
    await answers.settled
  }
  const person = async (): Promise<void> => {
    popup = await takeWindow(ended.signal)
    if (ended.signal.aborted) return
    popup.location.replace(url.href)
    await watchForClosing(popup, ended.signal)
    await unlessAnswered(closed(url))
  }
  try {
    await Promise.race([
      answers.settled,
      person(),
      after(timeoutMs, ended.signal).then(() => unlessAnswered(timedOut(url, timeoutMs))),
      whenLoginGivenUp(signal, ended.signal),
    ])
  } finally {
    ended.abort()
    answers.close()
    closeWindow(popup)
  }
}

function after(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMEOUT_MS))
    ended.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}

function redirectUriHere(given: string | URL): string {
  const url = URL.canParse(given, location.href) ? new URL(given, location.href) : undefined
  if (url?.origin === location.origin) return url.href
  throw new OAuthError('configuration', `The redirect URI ${displayText(String(given))} is not of this origin.`, {
    step: 'configuration',
    expected: `a page of ${location.origin}, which hands the answer to this one`,
    received: displayText(String(given)),
  })
}

function blocked(): OAuthError {
  return new OAuthError('login_required', 'A login is needed, and the browser opens no window for it.', {
    step: 'authorization',
    expected: 'a window, which browsers open only for a click that has just been made',
    received: 'none',
    hint: 'Begin the login in the handler of a click, with openFor, or give an onBlocked that shows a button.',
  })
}

function closed(url: URL): OAuthError {
  return new OAuthError('authorization_refused', 'The login window was closed before the login was finished.', {
    step: 'authorization',
    ...atPage(url),
    received: 'a closed window',
    hint: `Log in again. If the page at ${url.host} failed, whoever runs it can find out why: tell them the address and the time.`,
  })
}

function timedOut(url: URL, timeoutMs: number): OAuthError {
  const seconds = Math.round(timeoutMs / 1000)
  return new OAuthError('login_timeout', `Nobody completed the login within ${seconds} s.`, {
    step: 'authorization',
    ...atPage(url),
    expected: 'the login window coming back from the authorization server',
    received: `nothing in ${seconds} s`,
    hint: 'Log in again. Forget the client first, with logout({client: true}), if the page did not know it.',
  })
}

/** Without its query, which holds the state. */
function atPage({ origin, pathname }: URL): { readonly url: string } {
  return { url: `${origin}${pathname}` }
}
