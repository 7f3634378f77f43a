import { OAuthError } from '../errors.ts'
import { waitFor } from '../single-flight.ts'

/** How long somebody may take to hand out a token, in milliseconds. */
const PATIENCE_MS = 30_000

/** What a callback is called for. */
interface Reading {
  readonly step: string
  readonly signal: AbortSignal
  /** Default 30 000. */
  readonly patienceMs?: number
}

/**
 * The token of a callback: trimmed, and never empty; otherwise {@link readFromCallback}.
 *
 * @throws {OAuthError} `configuration`, `timeout`, `aborted`
 */
export async function readAssertion(
  read: (pause: () => () => void) => string | Promise<string>,
  reading: Reading,
): Promise<string> {
  const { step } = reading
  const token: unknown = await readFromCallback(read, reading)
  const text = typeof token === 'string' ? token.trim() : ''
  if (text !== '') return text
  throw new OAuthError('configuration', 'The token is empty.', { step, expected: 'a JWT', received: 'nothing' })
}

/**
 * What a callback hands out, waited for so long. While a person is asked the callback may stop the clock with `pause`, and start it anew with
 * what that returns. What the callback throws is not shown, for it may quote a token.
 *
 * @throws {OAuthError} `configuration`, `timeout`, `aborted`
 */
export async function readFromCallback<T>(
  read: (pause: () => () => void) => T | Promise<T>,
  { step, signal, patienceMs = PATIENCE_MS }: Reading,
): Promise<T> {
  const patience = createPatience(patienceMs)
  try {
    const reading = Promise.resolve().then(() => read(patience.pause))
    return await waitFor(reading, AbortSignal.any([signal, patience.signal]))
  } catch (error) {
    if (error instanceof OAuthError && error.code !== 'aborted') throw error
    if (signal.aborted) throw error
    if (patience.signal.aborted)
      throw new OAuthError('timeout', `No token was handed out within ${patienceMs / 1000} s.`, { step })
    throw new OAuthError(
      'configuration',
      'The token could not be read.',
      { step, hint: 'See the cause of this error.' },
      { cause: error },
    )
  } finally {
    patience.end()
  }
}

/** A time-out that can stand still. */
function createPatience(ms: number): { readonly signal: AbortSignal; pause(): () => void; end(): void } {
  const controller = new AbortController()
  let ended = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const start = (): void => {
    if (!ended) timer = setTimeout(() => controller.abort(), ms)
  }
  start()
  return {
    signal: controller.signal,
    pause() {
      clearTimeout(timer)
      return start
    },
    end() {
      ended = true
      clearTimeout(timer)
    },
  }
}
