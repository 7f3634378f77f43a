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
  unreference(timer)
  return () => clearInterval(timer)
}

/** Timers are objects on Node, Deno's Node layer and Bun, and numbers elsewhere. */
function unreference(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}
