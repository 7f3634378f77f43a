import type { Authorizer, CallbackHandler, CallbackOutcome, PreparedAuthorizer } from '../oauth/authorizer.ts'
import { OAuthError } from '../oauth/errors.ts'
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
  /** Opens the URL; resolves to false when it cannot. Default {@link openSystemBrowser}. `false` never opens one. */
  readonly openBrowser?: ((url: URL) => Promise<boolean>) | false
  /** Told once the listener waits: show the URL, so that a person can open it somewhere else. */
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

const DEFAULT_TIMEOUT_MS = 300_000

/** Logs in through a browser: a listener on loopback, bound first, raced with a pasted redirect URL. */
export function createBrowserAuthorizer(options: BrowserAuthorizerOptions = {}): Authorizer {
  return {
    async prepare({ signal, preferredRedirectUris = [] }) {
      if (signal?.aborted) throw aborted()
      const receiver = await createLoopbackReceiver({
        ...options,
        preferredPorts: preferredRedirectUris.flatMap(portOf),
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
      try {
        const answered = receiver.receive(handle)
        const { openBrowser = openSystemBrowser } = options
        const browserOpened = openBrowser !== false && (await openBrowser(url))
        options.onPrompt?.({ url, browserOpened, port: receiver.port })
        await Promise.race([
          answered,
          pasted(receiver.redirectUri, options, handle, ended.signal),
          timeOut(url, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, ended.signal),
          abortion(signal, ended.signal),
        ])
      } finally {
        ended.abort()
      }
    },
    close: () => receiver.close(),
  }
}

/** Resolves when a pasted address completed or failed the login; otherwise never. */
async function pasted(
  redirectUri: string,
  { pastedLines, onRefusedPaste }: BrowserAuthorizerOptions,
  handle: CallbackHandler,
  signal: AbortSignal,
): Promise<CallbackOutcome> {
  if (pastedLines) {
    for await (const line of pastedLines(signal)) {
      if (signal.aborted) break
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
  }
  return new Promise(() => undefined)
}

function timeOut(url: URL, timeoutMs: number, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(timedOut(url, timeoutMs)), timeoutMs)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}

function abortion(signal: AbortSignal | undefined, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(aborted())
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    ended.addEventListener('abort', () => signal?.removeEventListener('abort', stop), { once: true })
  })
}

function portOf(redirectUri: string): number[] {
  if (!URL.canParse(redirectUri)) return []
  const { port } = new URL(redirectUri)
  return port === '' ? [] : [Number(port)]
}

function timedOut(url: URL, timeoutMs: number): OAuthError {
  return new OAuthError('login_timeout', `Nobody completed the login within ${Math.round(timeoutMs / 1000)} s.`, {
    step: 'authorization',
    // Without its query, which holds the state.
    url: `${url.origin}${url.pathname}`,
    hint: 'Start the login again and finish it in the browser. If the page showed an error, that is the authorization server’s to explain.',
  })
}

function aborted(): OAuthError {
  return new OAuthError('aborted', 'The login was given up.', { step: 'authorization' })
}
