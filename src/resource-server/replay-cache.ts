/** Remembers which proofs were used. */
export interface ReplayCache {
  /**
   * Takes `key` until `expiresAt` (milliseconds since the epoch): true for the first who asks, of all processes that share the cache; false
   * for everybody after. Rejects, or answers false, when it cannot know. `key` is a digest and no secret.
   */
  claim(key: string, expiresAt: number): Promise<boolean>
}

export interface MemoryReplayCacheOptions {
  /** Default 100 000, which is some 20 MB. */
  readonly maxEntries?: number | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/**
 * Keeps used proofs in the memory of one process; several processes behind one address need a shared cache, or server nonces of short life.
 *
 * When it is full, what ends first is forgotten, and from then on nothing that ends as early is taken any more: a proof is rather refused than
 * used twice. A client whose proof is refused so makes a new one, which ends later.
 */
export function createMemoryReplayCache(options: MemoryReplayCacheOptions = {}): ReplayCache {
  const { maxEntries = 100_000, now = Date.now } = options
  /** Second in which they end → keys. */
  const bySecond = new Map<number, Set<string>>()
  const secondOf = new Map<string, number>()
  let floor = Number.NEGATIVE_INFINITY
  let sweptAt = Number.NEGATIVE_INFINITY

  function forget(second: number): void {
    for (const key of bySecond.get(second) ?? []) secondOf.delete(key)
    bySecond.delete(second)
    // Were the clock set back, what is forgotten here could be used again.
    floor = Math.max(floor, second)
  }

  function sweep(current: number): void {
    if (current === sweptAt) return
    sweptAt = current
    for (const second of bySecond.keys()) if (second < current) forget(second)
  }

  return {
    async claim(key, expiresAt) {
      const [second, current] = [Math.ceil(expiresAt / 1000), Math.floor(now() / 1000)]
      sweep(current)
      if (second < current || second <= floor || secondOf.has(key)) return false
      if (secondOf.size >= maxEntries) forget(Math.min(...bySecond.keys()))
      if (second <= floor) return false
      const keys = bySecond.get(second) ?? new Set()
      bySecond.set(second, keys.add(key))
      secondOf.set(key, second)
      return true
    },
  }
}
