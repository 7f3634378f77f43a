import type { CacheableResult } from '../protocol/caching.ts'
import { assertOptions, type OptionNames } from './given-options.ts'

/** How long and for whom a result may be kept. */
export type CacheHint = Pick<CacheableResult, 'ttlMs' | 'cacheScope'>

const NAMES: OptionNames<CacheHint> = { ttlMs: true, cacheScope: true }

/** @throws {TypeError} a time or a scope that clients could not read, or an option that does not exist */
export function assertCacheHint(cache: CacheHint | undefined, what: string): void {
  if (cache === undefined) return
  assertOptions(`cache of ${what}`, cache, NAMES)
  const { ttlMs, cacheScope } = cache
  if (ttlMs !== undefined && !isTtl(ttlMs))
    throw new TypeError(
      `cache.ttlMs of ${what} should be a whole number of milliseconds from 0; received ${String(ttlMs)}`,
    )
  if (cacheScope !== undefined && !isCacheScope(cacheScope))
    throw new TypeError(
      `cache.cacheScope of ${what} should be 'public' or 'private'; received ${JSON.stringify(cacheScope)}`,
    )
}

/**
 * The hint of a result: what it says itself where clients can read that, else the default. Both members are always there.
 *
 * @see MCP 2026-07-28, Caching
 */
export function cacheHintOf(
  { ttlMs, cacheScope }: Readonly<Record<string, unknown>>,
  fallback: Required<CacheHint>,
): Required<CacheHint> {
  return {
    ttlMs: isTtl(ttlMs) ? ttlMs : fallback.ttlMs,
    cacheScope: isCacheScope(cacheScope) ? cacheScope : fallback.cacheScope,
  }
}

function isTtl(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isCacheScope(value: unknown): value is 'public' | 'private' {
  return value === 'public' || value === 'private'
}
