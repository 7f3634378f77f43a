import type { Authorizer, CallbackHandler, CallbackOutcome, PreparedAuthorizer } from '../oauth/authorizer.ts'
import { OAuthError } from '../oauth/errors.ts'
import { loginGivenUp, whenLoginGivenUp } from '../oauth/login-given-up.ts'
import { detectEnvironment } from './environment.ts'
import { createLoopbackReceiver, type LoopbackReceiver, type LoopbackReceiverOptions } from './loopback-receiver.ts'
import { openBrowser as openSystemBrowser } from './open-browser.ts'
import { readPastedRedirect } from './pasted-redirect.ts'

/** How the person gets to the authorization URL. */
export interface AuthorizationPrompt {
  readonly url: URL
  /** False: no browser could or should be opened, the person has to do it. */
  readonly browserOpened: boolean
  /** Port of the listener that waits for the answer. */
  readonly port: number
}

export interface BrowserAuthorizerOptions extends Pick<LoopbackReceiverOptions, 'port' | 'host' | 'path' | 'server'> {
  /**
   * Opens the URL; resolves to false when it cannot. `false` never opens one. Default {@link openSystemBrowser}, where the person would
   * see it (`detectEnvironment`).
   */
  readonly openBrowser?: ((url: URL) => Promise<boolean>) | false
  /**
   * Told once the listener waits and the browser was tried: show the URL, so that a person can open it somewhere else. Without it and
   * without `pastedLines`, a browser that cannot be opened ends the login with `login_required`.
   */
  readonly onPrompt?: (prompt: AuthorizationPrompt) => void
  /**
   * Lines the person types, raced with the listener: the address the browser ended on may be pasted when it cannot reach this machine
   * (field A3). Its end does not end the login.
   */
  readonly pastedLines?: (signal: AbortSignal) => AsyncIterable<string>
  /** What was wrong with a pasted line. */
  readonly onRefusedPaste?: (message: string) => void
  /** Milliseconds a person has. Default five minutes. */
  readonly timeoutMs?: number
}

/** A page that fails tells its reader and nobody else (field R3, A22). */
const WHAT_NOW =
  'Start the login again and finish it in the browser. If the page did not know this client, or its redirect URI, forget the client first (`latchkey logout --client`, or `logout({client: true})`). If it failed in another way, whoever runs {host} can find out why: tell them the address and the time.'
const DEFAULT_TIMEOUT_MS = 300_000
/** A timer set for longer fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Logs in through a browser: a listener on loopback, bound first, raced with a pasted redirect URL. */
export function createBrowserAuthorizer(options: BrowserAuthorizerOptions = {}): Authorizer {
  return {
    async prepare({ signal, preferredRedirectUris = [], redirectHost }) {
      if (signal?.aborted) throw loginGivenUp()
      const receiver = await createLoopbackReceiver({
        ...options,
        preferredRedirectUris,
        ...(redirectHost && { defaultHost: redirectHost }),
      })
      return prepared(receiver, options, signal)
    },
  }
}

function prepared(
  receiver: LoopbackReceiver,
  options: BrowserAuthorizerOptions,
  signal: AbortSignal | undefined,
): PreparedAuthorizer {
  return {
    redirectUri: receiver.redirectUri,
    async authorize(url, handle) {
      const ended = new AbortController()
      const answering = new Set<Promise<CallbackOutcome>>()
      const handleAnswer: CallbackHandler = parameters => {
        const outcome = handle(parameters)
        const done = (): void => void answering.delete(outcome)
        answering.add(outcome)
        outcome.then(done, done)
        return outcome
      }
      try {
        await Promise.race([
          receiver.receive(handleAnswer),
          prompted(url, receiver, options, ended.signal).then(() =>
            pasted(receiver.redirectUri, options, handleAnswer, ended.signal),
          ),
          timeOut(url, { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, answering, signal: ended.signal }),
          whenLoginGivenUp(signal, ended.signal),
        ])
      } finally {
        ended.abort()
      }
    },
    close: () => receiver.close(),
  }
}

/** Takes the person to the URL. @throws {OAuthError} `login_required` when there is no way to */
async function prompted(
  url: URL,
  { port }: LoopbackReceiver,
  options: BrowserAuthorizerOptions,
  ended: AbortSignal,
): Promise<void> {
  const { openBrowser = openBrowserHere, onPrompt, pastedLines } = options
  const browserOpened = openBrowser !== false && (await openBrowser(url).catch(() => false))
  if (ended.aborted) return
  onPrompt?.({ url, browserOpened, port })
  if (browserOpened || onPrompt || pastedLines) return
  throw new OAuthError('login_required', 'A login is needed, and no browser can be opened here.', {
    step: 'authorization',
    hint: 'Run `latchkey login` for this server in a terminal, or give the authorizer an `onPrompt` that shows the URL to a person.',
  })
}

async function openBrowserHere(url: URL): Promise<boolean> {
  return detectEnvironment().canOpenBrowser && (await openSystemBrowser(url))
}

/** Resolves when a pasted address completed or failed the login; otherwise never. */
async function pasted(
  redirectUri: string,
  { pastedLines, onRefusedPaste }: BrowserAuthorizerOptions,
  handle: CallbackHandler,
  ended: AbortSignal,
): Promise<CallbackOutcome> {
  const never = new Promise<CallbackOutcome>(() => undefined)
  if (!pastedLines || ended.aborted) return never
  for await (const line of pastedLines(ended)) {
    if (ended.aborted) break
    if (line.trim() === '') continue
    const read = readPastedRedirect(line, redirectUri)
    if ('problem' in read) {
      onRefusedPaste?.(read.problem)
      continue
    }
    const outcome = await handle(read.parameters)
    if (outcome.status !== 'ignored') return outcome
    onRefusedPaste?.(outcome.message)
  }
  return never
}

function timeOut(
  url: URL,
  {
    timeoutMs,
    answering,
    signal,
  }: {
    readonly timeoutMs: number
    readonly answering: ReadonlySet<Promise<CallbackOutcome>>
    readonly signal: AbortSignal
  },
): Promise<never> {
  return new Promise((_, reject) => {
    const onTime = (): void => {
      // The person was in time when their answer is being worked on: its outcome is the login's.
      void Promise.all(answering).then(outcomes => {
        if (outcomes.every(({ status }) => status === 'ignored')) reject(timedOut(url, timeoutMs))
      })
    }
    const timer = setTimeout(onTime, Math.min(timeoutMs, LONGEST_TIMEOUT_MS))
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}

function timedOut(url: URL, timeoutMs: number): OAuthError {
  const seconds = Math.round(timeoutMs / 1000)
  return new OAuthError('login_timeout', `Nobody completed the login within ${seconds} s.`, {
    step: 'authorization',
    // Without its query, which holds the state.
    url: `${url.origin}${url.pathname}`,
    expected: 'the browser coming back from the authorization server',
    received: `nothing in ${seconds} s`,
    hint: WHAT_NOW.replace('{host}', url.host),
  })
}
