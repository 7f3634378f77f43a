/** Something about the server changed that clients may want to hear of. */
export type Change =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  /** The contents of one resource. */
  | { readonly kind: 'resource'; readonly uri: string }

/** Where changes are told. */
export interface Changes {
  publish(change: Change): void
  /** Returns the way to stop listening. A listener must not throw. */
  subscribe(listener: (change: Change) => void): () => void
}

/** Makes the hub. Changes of lists that come in one go are told once. */
export function createChanges(): Changes {
  const listeners = new Set<(change: Change) => void>()
  const waiting = new Set<string>()

  const tell = (change: Change): void => {
    for (const listener of listeners) listener(change)
  }
  return {
    publish: change => {
      if (listeners.size === 0) return
      const isList = change.kind === 'tools' || change.kind === 'prompts' || change.kind === 'resources'
      if (!isList) return tell(change)
      if (waiting.has(change.kind)) return
      waiting.add(change.kind)
      queueMicrotask(() => {
        waiting.delete(change.kind)
        tell(change)
      })
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
