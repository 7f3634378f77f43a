import type { ProcessTree } from './process-tree.ts'

/** How long the end of this process waits for servers that were not closed, between asking them to end and ending them. */
const LAST_WORDS_MS = 200
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// A process ends once, whatever the number of servers: one listener of each kind for all of them, and none without servers.
const living = new Set<ProcessTree>()

/**
 * Ends `tree` when this process ends before the returned function was called: when it exits, and when a signal that nobody else listens to
 * ends it. Where others listen they decide, as if this did not exist. What nobody can react to (`kill -9`) closes the server's input,
 * at which servers exit by themselves.
 */
export function endWithThisProcess(tree: ProcessTree): () => void {
  if (living.size === 0) listen()
  living.add(tree)
  return () => {
    if (living.delete(tree) && living.size === 0) stopListening()
  }
}

function listen(): void {
  process.on('exit', endAll)
  for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function stopListening(): void {
  process.off('exit', endAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  // Libraries that clean up at a signal end the process themselves only when no other listener is there: none is while they look.
  process.off(signal, onSignal)
  if (process.listenerCount(signal) === 0) {
    endAll()
    process.kill(process.pid, signal)
    return
  }
  setImmediate(() => {
    if (living.size > 0 && !process.listeners(signal).includes(onSignal)) process.prependListener(signal, onSignal)
  })
}

function endAll(): void {
  if (living.size === 0) return
  for (const tree of living) tree.signalSync('SIGTERM')
  // Nothing asynchronous runs any more at exit.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_MS)
  for (const tree of living) tree.signalSync('SIGKILL')
  living.clear()
}
