import { unref } from '../unref.ts'

/** Runs a job every `ms` milliseconds, never twice at a time. It keeps no process alive. Returns the way to stop it. */
export function startRepetition(ms: number, job: () => Promise<void>): () => void {
  let isRunning = false
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    void job().finally(() => {
      isRunning = false
    })
  }, ms)
  unref(timer)
  return () => clearInterval(timer)
}
