import { OAuthError } from './errors.ts'

/** One run at a time, shared by everybody who asks meanwhile. */
export interface SingleFlight<T> {
  /**
   * Joins the run under way, or starts `task`. `options.signal` ends the caller's own wait. In a cancellable flight the task's
   * signal fires when nobody waits any more; else it never does.
   *
   * @throws {OAuthError} `aborted`
   */
  run(task: (signal: AbortSignal) => Promise<T>, options?: { readonly signal?: AbortSignal | undefined }): Promise<T>
  /** Waits for the run under way, if there is one, and its result; false when there is none. @throws {OAuthError} `aborted` */
  join(signal?: AbortSignal): Promise<boolean>
  /** Waits until the run under way is over; a cancellable one is cancelled first. Never rejects. */
  end(): Promise<void>
}

/** Creates a {@link SingleFlight}. */
export function createSingleFlight<T>({ cancellable }: { readonly cancellable: boolean }): SingleFlight<T> {
  let current: { readonly promise: Promise<T>; readonly controller: AbortController; waiters: number } | undefined

  async function wait(flight: NonNullable<typeof current>, signal: AbortSignal | undefined): Promise<T> {
    flight.waiters++
    try {
      return await waitFor(flight.promise, signal)
    } finally {
      flight.waiters--
      if (cancellable && flight.waiters === 0) flight.controller.abort()
    }
  }

  return {
    async run(task, { signal } = {}) {
      throwIfAborted(signal)
      // Cancelled, but not over yet: its end is nobody's result.
      while (current?.controller.signal.aborted)
        await waitFor(
          current.promise.catch(() => undefined),
          signal,
        )
      if (!current) {
        const controller = new AbortController()
        const promise = task(controller.signal).finally(() => {
          current = undefined
        })
        current = { promise, controller, waiters: 0 }
      }
      return wait(current, signal)
    },
    async join(signal) {
      if (!current || current.controller.signal.aborted) return false
      await wait(current, signal)
      return true
    },
    async end() {
      if (cancellable) current?.controller.abort()
      await current?.promise.catch(() => undefined)
    },
  }
}

/**
 * Waits for `promise` until `signal` fires; the promise itself goes on.
 *
 * @throws {OAuthError} `aborted`
 */
export function waitFor<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(signal))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** @throws {OAuthError} `aborted` when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal)
}

function abortedError(signal: AbortSignal): OAuthError {
  return new OAuthError('aborted', 'The caller stopped waiting.', { step: 'waiting' }, { cause: signal.reason })
}
