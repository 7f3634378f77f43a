/**
 * Lets many ask for something that takes a while to look at, one look at a time. Whoever asks gets a look that began afterwards, so that nobody is
 * told how things were before they asked; all who ask during one look share the next.
 */
export function createFreshLook<Value>(look: () => Promise<Value>): () => Promise<Value> {
  let running: Promise<Value> | undefined
  let next: Promise<Value> | undefined

  const start = (): Promise<Value> => {
    const mine = look()
    running = mine
    const end = (): void => {
      if (running === mine) running = undefined
    }
    void mine.then(end, end)
    return mine
  }
  const follow = async (before: Promise<Value>): Promise<Value> => {
    await before.catch(() => undefined)
    next = undefined
    return start()
  }
  return () => {
    if (next) return next
    if (!running) return start()
    next = follow(running)
    return next
  }
}
