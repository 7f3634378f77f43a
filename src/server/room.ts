/** Room for so many of something at once. */
export interface Room {
  /**
   * There is no place left. Whoever holds more places already than there are left finds none either: whoever takes what there is leaves half of it to
   * others.
   *
   * @param sharer who asks; undefined where nobody is told apart
   */
  isFullFor(sharer: string | undefined): boolean
  /** Takes a place. Returns the way to give it back, once. */
  take(sharer: string | undefined): () => void
}

/** Makes room, and keeps count of who holds how much of it. */
export function createRoom(places: number): Room {
  const heldBy = new Map<string, number>()
  let held = 0

  const count = (sharer: string | undefined, change: 1 | -1): void => {
    held += change
    if (sharer === undefined) return
    const changed = (heldBy.get(sharer) ?? 0) + change
    if (changed > 0) heldBy.set(sharer, changed)
    else heldBy.delete(sharer)
  }

  return {
    isFullFor: sharer => {
      const left = places - held
      return left <= 0 || (sharer !== undefined && (heldBy.get(sharer) ?? 0) > left)
    },
    take: sharer => {
      count(sharer, 1)
      return () => count(sharer, -1)
    },
  }
}
