import type { Result } from './message.ts'

/** A result that says how long it may be kept. Since 2026-07-28; both members are required there. */
export interface CacheableResult extends Result {
  /** How long the result is fresh, in milliseconds; 0 or absent is stale at once. A hint. */
  readonly ttlMs?: number
  /** Whether it may be served to another user (`public`) or only within the same authorization (`private`). */
  readonly cacheScope?: 'public' | 'private'
}
