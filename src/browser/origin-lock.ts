import { StoreError } from '../oauth/store/store-error.ts'

/** Runs `task` while nobody else holds the lock `name`; waits for it. @throws {StoreError} `locked`, and what `task` throws */
export type OriginLock = <T>(name: string, task: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/**
 * Creates a lock that holds for every tab, frame and worker of this origin, and that the browser frees when its holder is gone. Without Web
 * Locks, as on a page that is neither https nor on loopback, it always throws: to go on would be to spend a refresh token twice.
 *
 * @see {@link https://www.w3.org/TR/web-locks/ | Web Locks API}
 */
export function createOriginLock(): OriginLock {
  return async (name, task, signal) => {
    const locks = 'navigator' in globalThis && 'locks' in navigator ? navigator.locks : undefined
    if (!locks) throw noLocks()
    let ran = false
    const run = (): Promise<unknown> => {
      ran = true
      return task()
    }
    try {
      return (await locks.request(name, { ...(signal && { signal }) }, run)) as Awaited<ReturnType<typeof task>>
    } catch (error) {
      if (ran) throw error
      if (signal?.aborted)
        throw new StoreError('locked', 'The caller stopped waiting for the lock.', { step: 'lock credentials' })
      throw new StoreError('locked', 'The browser gave no lock for the stored login.', {
        step: 'lock credentials',
        hint: 'The page may be closing, or may not keep data here.',
      })
    }
  }
}

function noLocks(): StoreError {
  return new StoreError('locked', 'This browser has no Web Locks here, so that a refresh could run twice.', {
    step: 'lock credentials',
    hint: 'Serve the page over https, or on 127.0.0.1.',
  })
}
