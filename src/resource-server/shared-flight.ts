/** There a request must not wait for what another one began: it may end with it, and then never settles. */
const IS_WORKERS = globalThis.navigator?.userAgent === 'Cloudflare-Workers'

/** Whether one request may wait for, or leave behind, what serves others. */
export const SHARES_WORK: boolean = !IS_WORKERS

/** One run per key at a time, shared by everybody who asks meanwhile. */
export interface SharedFlights<T> {
  /** Joins the run under way for `key`, or starts `task`. `signal` ends the caller's own wait, with its reason; the run goes on. */
  run(key: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Who asks from now on starts anew; those who wait get what they waited for. */
  leave(key: string): void
  /** Runs under way. */
  readonly size: number
}

/** Creates {@link SharedFlights}. As many keys as runs are under way: the caller limits those. */
export function createSharedFlights<T>(shares: boolean = SHARES_WORK): SharedFlights<T> {
  const flights = new Map<string, Promise<T>>()
  return {
    get size() {
      return flights.size
    },
    run(key, task, signal) {
      const joined = shares ? flights.get(key) : undefined
      if (joined) return waitFor(joined, signal)
      const flight = task().finally(() => {
        if (flights.get(key) === flight) flights.delete(key)
      })
      flights.set(key, flight)
      return waitFor(flight, signal)
    },
    leave: key => void flights.delete(key),
  }
}

function waitFor<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
