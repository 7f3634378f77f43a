/** Tells who cares that a person is busy logging in: a call's own time-out stands still meanwhile. */
export interface Interaction {
  /** A person is being asked; call the result when they are done. Counts, so that nesting is fine. */
  enter(): () => void
  /** Calls `listener` with true when the first begins and false when the last ends; at once when one is under way. Returns how to stop. */
  subscribe(listener: (active: boolean) => void): () => void
}

/** Creates an {@link Interaction}. */
export function createInteraction(): Interaction {
  const listeners = new Set<(active: boolean) => void>()
  let depth = 0
  const tell = (active: boolean): void => {
    for (const listener of Array.from(listeners)) listener(active)
  }
  return {
    enter() {
      depth++
      if (depth === 1) tell(true)
      let left = false
      return () => {
        if (left) return
        left = true
        depth--
        if (depth === 0) tell(false)
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      if (depth > 0) listener(true)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
