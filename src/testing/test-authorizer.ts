import type {
  Authorizer,
  CallbackHandler,
  CallbackOutcome,
  PreparedAuthorizer,
  PrepareOptions,
} from '../oauth/authorizer.ts'
import { OAuthError } from '../oauth/errors.ts'
import type { Decision } from './authorize-endpoint.ts'

/** How the scripted person behaves. */
export interface TestAuthorizerOptions extends Decision {
  /** Default `http://127.0.0.1:33418/callback`. Never listened on: the answer is handed over directly. */
  readonly redirectUri?: string
  /** Takes the first preferred redirect URI instead, as a listener does that can have the registered port (R-DCR-4). Default true. */
  readonly takesPreferred?: boolean
  /** Authorization responses that arrive before the real one, such as one with a forged `state` (R-AUTHZ-3). */
  readonly forgedFirst?: (url: URL) => readonly URLSearchParams[]
  /** Changes the real response on its way. */
  readonly alter?: (parameters: URLSearchParams) => URLSearchParams
  /** Awaited once the person sees the page: a place to wait, to advance a clock, or to throw. */
  readonly beforeDecision?: (url: URL) => Promise<void> | void
}

/** An authorizer without a browser, and what it saw. */
export interface TestAuthorizer extends Authorizer {
  /** The authorization URLs the person was taken to. */
  readonly visits: readonly URL[]
  /** What became of every response that was handed over, forged ones included. */
  readonly outcomes: readonly CallbackOutcome[]
  /** What `prepare` was called with. */
  readonly preparations: readonly PrepareOptions[]
  /** Authorizers prepared and not closed yet; 0 when nothing leaks. */
  open(): number
}

/**
 * Creates an {@link Authorizer} that plays the person at `approve`. Rejects with `login_timeout` when the authorization server
 * shows an error page, as nothing comes back to a real one either, and with `aborted` when the signal ends the wait.
 */
export function createTestAuthorizer(
  approve: (url: URL, decision: Decision) => Promise<URL>,
  options: TestAuthorizerOptions = {},
): TestAuthorizer {
  const visits: URL[] = []
  const outcomes: CallbackOutcome[] = []
  const preparations: PrepareOptions[] = []
  const open = new Set<PreparedAuthorizer>()
  const preferred = options.takesPreferred ?? true

  const handOver = async (handle: CallbackHandler, parameters: URLSearchParams): Promise<boolean> => {
    const outcome = await handle(parameters)
    outcomes.push(outcome)
    return outcome.status !== 'ignored'
  }

  const prepare = async (given: PrepareOptions): Promise<PreparedAuthorizer> => {
    preparations.push(given)
    const wanted = preferred ? given.preferredRedirectUris?.[0] : undefined
    const prepared: PreparedAuthorizer = {
      redirectUri: wanted ?? options.redirectUri ?? 'http://127.0.0.1:33418/callback',
      authorize: async (url, handle) => {
        visits.push(url)
        await withSignal(Promise.resolve(options.beforeDecision?.(url)), given.signal)
        for (const forged of options.forgedFirst?.(url) ?? []) if (await handOver(handle, forged)) return
        const response = await approve(url, options).catch((cause: unknown) => {
          throw new OAuthError(
            'login_timeout',
            'no authorization response arrived',
            { step: 'authorization' },
            { cause },
          )
        })
        const parameters = options.alter?.(response.searchParams) ?? response.searchParams
        if (await handOver(handle, parameters)) return
        throw new OAuthError('login_timeout', 'no authorization response of this login arrived', {
          step: 'authorization',
        })
      },
      close: async () => {
        open.delete(prepared)
      },
    }
    open.add(prepared)
    return prepared
  }
  return { prepare, visits, outcomes, preparations, open: () => open.size }
}

async function withSignal(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work
  await new Promise<void>((resolve, reject) => {
    const abort = (): void =>
      reject(
        new OAuthError(
          'aborted',
          'the login was ended by its caller',
          { step: 'authorization' },
          { cause: signal.reason },
        ),
      )
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
