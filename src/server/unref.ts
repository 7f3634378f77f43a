/** Lets a timer keep no process alive. Timers are objects on Node, Deno's Node layer and Bun, and numbers elsewhere. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}
