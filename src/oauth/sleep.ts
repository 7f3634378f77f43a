import { OAuthError } from './errors.ts'

/** Waits, with a timer that does not outlive `signal`. @throws {OAuthError} `aborted` */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new OAuthError('aborted', 'The caller stopped waiting.', { step: 'retry' }))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
