import { OAuthError } from '../errors.ts'
import { waitFor } from '../single-flight.ts'

/** How long somebody may take to hand out a token, in milliseconds. */
const PATIENCE_MS = 30_000

/**
 * The token of a callback: waited for so long, trimmed, and never empty. While a person is asked the callback may stop the clock with `pause`,
 * and start it anew with what that returns. What the callback throws is not shown, for it may quote the token.
 *
 * @throws {OAuthError} `configuration`, `timeout`, `aborted`
 */
export async function readAssertion(
  read: (pause: () => () => void) => string | Promise<string>,
  { step, signal }: { readonly step: string; readonly signal: AbortSignal },
): Promise<string> {
  const patience = createPatience()
  let token: unknown
  try {
    const reading = Promise.resolve().then(() => read(patience.pause))
    token = await waitFor(reading, AbortSignal.any([signal, patience.signal]))
  } catch (error) {
    if (error instanceof OAuthError && error.code !== 'aborted') throw error
    if (signal.aborted) throw error
    if (patience.signal.aborted)
      throw new OAuthError('timeout', `No token was handed out within ${PATIENCE_MS / 1000} s.`, { step })
    throw new OAuthError(
      'configuration',
      'The token could not be read.',
      { step, hint: 'See the cause of this error.' },
      { cause: error },
    )
  } finally {
    patience.end()
  }
  const text = typeof token === 'string' ? token.trim() : ''
  if (text !== '') return text
  throw new OAuthError('configuration', 'The token is empty.', { step, expected: 'a JWT', received: 'nothing' })
}

/** A time-out that can stand still. */
function createPatience(): { readonly signal: AbortSignal; pause(): () => void; end(): void } {
  const controller = new AbortController()
  let ended = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const start = (): void => {
    if (!ended) timer = setTimeout(() => controller.abort(), PATIENCE_MS)
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
