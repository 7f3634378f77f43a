/** Remembers which proofs were used. */
export interface ReplayCache {
  /**
   * Takes `key` until `expiresAt` (milliseconds since the epoch): true for the first who asks, of all processes that share the cache; false
   * for everybody after. Rejects, or answers false, when it cannot know. `key` is a digest and no secret.
   *
   * @param owner whose proof it is: the thumbprint of the key that signed it. A cache that may become full uses it so that nobody fills it for others;
   * the same `key` always comes with the same owner
   */
  claim(key: string, expiresAt: number, owner?: string): Promise<boolean>
}

export interface MemoryReplayCacheOptions {
  /** Default 100 000, which is some 20 MB, or 60 where each is of another owner. */
  readonly maxEntries?: number | undefined
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** What one owner has used. */
interface Owner {
  readonly name: string
  /** Second in which they end → keys; undefined stands for all that were forgotten until then, and takes the room of one. */
  readonly seconds: Map<number, (string | undefined)[]>
  size: number
  /** Nothing of this owner that ends in this second, or before, is taken any more. */
  floor: number
}

/**
 * Keeps used proofs in the memory of one process; several processes behind one address need a shared cache, or server nonces of short life.
 *
 * When it is full, the owner who has most in it loses what ends first, and from then on nothing of this owner that ends as early is taken any more: a
 * proof is rather refused than used twice. A client whose proof is refused so makes a new one, which ends later. So whoever fills it, with proofs
 * that are dated ahead, say, does so at their own expense. Where no owner has more than one, what ends first is forgotten, and the same goes for all.
 */
export function createMemoryReplayCache(options: MemoryReplayCacheOptions = {}): ReplayCache {
  const { maxEntries = 100_000, now = Date.now } = options
  const keys = new Set<string | undefined>()
  const owners = new Map<string, Owner>()
  /** Second → owners that have something which ends in it. */
  const bySecond = new Map<number, Set<Owner>>()
  /** How much they have → owners; and the most that one has. */
  const bySize = new Map<number, Set<Owner>>()
  let most = 0
  let size = 0
  let floor = Number.NEGATIVE_INFINITY
  let sweptAt = Number.NEGATIVE_INFINITY

  function resize(owner: Owner, change: number): void {
    removeFrom(bySize, owner.size, owner)
    size += change
    owner.size += change
    if (owner.size === 0) owners.delete(owner.name)
    else addTo(bySize, owner.size, owner)
    most = Math.max(most, owner.size)
    // It was counted up one by one: going down takes no longer.
    while (most > 0 && !bySize.has(most)) most -= 1
  }

  function put(owner: Owner, second: number, key: string | undefined): void {
    const held = owner.seconds.get(second)
    if (held) held.push(key)
    else owner.seconds.set(second, [key])
    addTo(bySecond, second, owner)
    owners.set(owner.name, owner)
    resize(owner, 1)
  }

  function drop(owner: Owner, second: number): void {
    const held = owner.seconds.get(second) ?? []
    for (const key of held) keys.delete(key)
    owner.seconds.delete(second)
    removeFrom(bySecond, second, owner)
    resize(owner, -held.length)
  }

  function forget(second: number): void {
    for (const owner of bySecond.get(second) ?? []) drop(owner, second)
    // Were the clock set back, what is forgotten here could be used again.
    floor = Math.max(floor, second)
  }

  function sweep(current: number): void {
    if (current === sweptAt) return
    sweptAt = current
    for (const second of bySecond.keys()) if (second < current) forget(second)
  }

  function makeRoom(): void {
    const [owner] = bySize.get(most) ?? []
    const [first, next] = [...(owner?.seconds.keys() ?? [])].sort((one, other) => one - other)
    if (!owner || first === undefined || most === 1) {
      forget(Math.min(...bySecond.keys()))
      return
    }
    // What stands for one alone would take as much room as it did.
    owner.floor = owner.seconds.get(first)?.length === 1 ? (next ?? first) : first
    for (const second of owner.seconds.keys()) if (second <= owner.floor) drop(owner, second)
    put(owner, owner.floor, undefined)
  }

  return {
    async claim(key, expiresAt, name = '') {
      const [second, current] = [Math.ceil(expiresAt / 1000), Math.floor(now() / 1000)]
      sweep(current)
      const isTooEarly = (): boolean =>
        second < current || second <= floor || second <= (owners.get(name)?.floor ?? floor)
      if (isTooEarly() || keys.has(key)) return false
      if (size >= maxEntries) makeRoom()
      if (isTooEarly()) return false
      const owner = owners.get(name) ?? { name, seconds: new Map(), size: 0, floor: Number.NEGATIVE_INFINITY }
      keys.add(key)
      put(owner, second, key)
      return true
    },
  }
}

function addTo(map: Map<number, Set<Owner>>, number: number, owner: Owner): void {
  const found = map.get(number)
  if (found) found.add(owner)
  else map.set(number, new Set([owner]))
}

function removeFrom(map: Map<number, Set<Owner>>, number: number, owner: Owner): void {
  const found = map.get(number)
  found?.delete(owner)
  if (found?.size === 0) map.delete(number)
}
