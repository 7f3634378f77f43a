import type { JsonObject } from '../oauth/protocol/json-object.ts'

/** What is known about a token: the members of an active answer, or that it is not active. */
export type KnownAnswer = JsonObject | 'inactive'

export interface IntrospectionCacheOptions {
  /** Longest time that an active answer is used, in milliseconds. 0: never. */
  readonly maxAgeMs: number
  /** The same for an inactive one. */
  readonly negativeMs: number
  readonly maxEntries: number
}

/** Answers by the digest of their token; the token itself is never kept. */
export interface IntrospectionCache {
  get(digest: string, now: number): KnownAnswer | undefined
  /** `expiresAt` of the token ends it earlier. */
  set(
    digest: string,
    answer: KnownAnswer,
    times: { readonly now: number; readonly expiresAt?: number | undefined },
  ): void
  delete(digest: string): void
  readonly size: number
}

/** Inactive answers that are kept: apart from the active ones, which a flood of made-up tokens must not push out. */
export const MAX_NEGATIVE_ENTRIES = 1_000

/** Creates an {@link IntrospectionCache}. When it is full, the oldest answer makes room: forgetting only costs a request. */
export function createIntrospectionCache(options: IntrospectionCacheOptions): IntrospectionCache {
  const active = new Map<string, { readonly answer: JsonObject; readonly until: number }>()
  const inactive = new Map<string, number>()
  return {
    get size() {
      return active.size + inactive.size
    },
    get(digest, now) {
      const known = active.get(digest)
      if (known && now < known.until) return known.answer
      if (known) active.delete(digest)
      const until = inactive.get(digest)
      if (until !== undefined && now < until) return 'inactive'
      if (until !== undefined) inactive.delete(digest)
      return undefined
    },
    set(digest, answer, { now, expiresAt = Number.POSITIVE_INFINITY }) {
      active.delete(digest)
      inactive.delete(digest)
      if (answer === 'inactive') {
        if (options.negativeMs <= 0) return
        makeRoom(inactive, MAX_NEGATIVE_ENTRIES)
        inactive.set(digest, now + options.negativeMs)
        return
      }
      const until = Math.min(now + options.maxAgeMs, expiresAt)
      if (until <= now) return
      makeRoom(active, options.maxEntries)
      active.set(digest, { answer, until })
    },
    delete(digest) {
      active.delete(digest)
      inactive.delete(digest)
    },
  }
}

function makeRoom(entries: Map<string, unknown>, limit: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size < limit) return
    entries.delete(oldest)
  }
}
