/** One who waits for changes of one task. */
export interface TaskWatch {
  /** Resolves at the next change, also one that came since the last wait; else after `ms`, or when the signal fires. Never rejects. */
  next(ms: number, signal: AbortSignal): Promise<void>
  stop(): void
}

/** Tells of changes within this process, so that nobody must wait for the next look at the store. */
export interface TaskChanges {
  announce(taskId: string): void
  watch(taskId: string): TaskWatch
}

/** Creates the place where changes are told. It holds only who watches now. */
export function createTaskChanges(): TaskChanges {
  const watchers = new Map<string, Set<() => void>>()

  return {
    announce: taskId => {
      for (const tell of watchers.get(taskId) ?? []) tell()
    },
    watch: taskId => {
      let isChanged = false
      let wake: (() => void) | undefined
      const tell = (): void => {
        isChanged = true
        wake?.()
      }
      const ofTask = watchers.get(taskId) ?? new Set()
      watchers.set(taskId, ofTask.add(tell))
      return {
        next: (ms, signal) =>
          new Promise(resolve => {
            const end = (): void => {
              clearTimeout(timer)
              signal.removeEventListener('abort', end)
              wake = undefined
              isChanged = false
              resolve()
            }
            const timer = setTimeout(end, ms)
            wake = end
            if (isChanged || signal.aborted) end()
            else signal.addEventListener('abort', end, { once: true })
          }),
        stop: () => {
          ofTask.delete(tell)
          if (ofTask.size === 0 && watchers.get(taskId) === ofTask) watchers.delete(taskId)
        },
      }
    },
  }
}
