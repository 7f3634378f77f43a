import type { JsonRpcNotification } from '../jsonrpc/message.ts'
import { isObject } from '../jsonrpc/message.ts'

/** Results that are kept at once; the one used longest ago is dropped first. */
const MAX_ENTRIES = 200
/** Characters that all of them may hold together. */
const MAX_CHARACTERS = 16 * 1024 * 1024

const CACHEABLE: readonly string[] = [
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]

/** What a notification makes stale. */
const STALE: Readonly<Record<string, readonly string[]>> = {
  'notifications/tools/list_changed': ['tools/list'],
  'notifications/prompts/list_changed': ['prompts/list'],
  'notifications/resources/list_changed': ['resources/list', 'resources/templates/list'],
}

interface Entry {
  readonly method: string
  readonly uri: unknown
  readonly result: unknown
  readonly freshUntil: number
  /** About how many characters it holds. */
  readonly size: number
  /** The login it belongs to; absent for what anybody may see. */
  readonly grantId: string | undefined
}

/** Keeps results as long as the server says that they are fresh, apart for every login. */
export interface ResponseCache {
  /** How often something was told to have changed. A result that was asked for before that is not kept, for it may be older. */
  readonly changes: number
  /** A fresh result for this login. */
  get(method: string, params: object | undefined, grantId: string | undefined): unknown
  /** Keeps a result if it may be kept: a private one only together with the login that it was given to. */
  put(method: string, params: object | undefined, grantId: string | undefined, result: unknown): void
  /** Forgets what a notification says has changed. */
  notice(notification: JsonRpcNotification): void
  clear(): void
}

/**
 * Creates a {@link ResponseCache} in memory.
 *
 * @see MCP 2026-07-28, Caching
 */
export function createResponseCache({
  now = () => performance.now(),
  maxCharacters = MAX_CHARACTERS,
}: {
  readonly now?: () => number
  readonly maxCharacters?: number
} = {}): ResponseCache {
  const entries = new Map<string, Entry>()
  let size = 0
  let changes = 0
  const drop = (key: string): void => {
    size -= entries.get(key)?.size ?? 0
    entries.delete(key)
  }
  return {
    get changes() {
      return changes
    },
    get(method, params, grantId) {
      const key = keyOf(method, params)
      const entry = key === undefined ? undefined : entries.get(key)
      if (key === undefined || !entry) return undefined
      const isOurs = entry.grantId === undefined || entry.grantId === grantId
      if (!isOurs || now() >= entry.freshUntil) {
        drop(key)
        return undefined
      }
      // The one used last goes to the end.
      entries.delete(key)
      entries.set(key, entry)
      return entry.result
    },
    put(method, params, grantId, result) {
      const key = keyOf(method, params)
      if (key === undefined || !isObject(result)) return
      drop(key)
      const { ttlMs, cacheScope } = result as { readonly ttlMs?: unknown; readonly cacheScope?: unknown }
      const isPublic = cacheScope === 'public'
      if (typeof ttlMs !== 'number' || !(ttlMs > 0) || (!isPublic && grantId === undefined)) return
      const { uri } = (params ?? {}) as { readonly uri?: unknown }
      const added = sizeOf(result, maxCharacters)
      if (added > maxCharacters) return
      const freshUntil = now() + ttlMs
      entries.set(key, { method, uri, result, freshUntil, size: added, grantId: isPublic ? undefined : grantId })
      size += added
      for (const oldest of entries.keys()) {
        if (entries.size <= MAX_ENTRIES && size <= maxCharacters) break
        drop(oldest)
      }
    },
    notice({ method, params }) {
      const stale = Object.hasOwn(STALE, method) ? STALE[method] : undefined
      const uri = method === 'notifications/resources/updated' ? params?.['uri'] : undefined
      if (!stale && uri === undefined) return
      changes += 1
      for (const [key, entry] of entries) {
        if (stale?.includes(entry.method) === true) drop(key)
        if (uri !== undefined && entry.method === 'resources/read' && entry.uri === uri) drop(key)
      }
    },
    clear() {
      changes += 1
      size = 0
      entries.clear()
    },
  }
}

/** About how many characters a value holds; counted no further than `limit`. */
function sizeOf(value: unknown, limit: number): number {
  let size = 0
  for (const rest = [value]; rest.length > 0 && size <= limit; ) {
    const each = rest.pop()
    if (typeof each === 'string') size += each.length
    if (!isObject(each) && !Array.isArray(each)) continue
    for (const [name, member] of Object.entries(each)) {
      size += name.length
      rest.push(member)
    }
  }
  return size
}

/** Only what the protocol calls cacheable, and only as it was asked: answers to questions are not part of the key. */
function keyOf(method: string, params: object | undefined): string | undefined {
  if (!CACHEABLE.includes(method)) return undefined
  const { _meta, ...rest } = (params ?? {}) as Readonly<Record<string, unknown>>
  if ('inputResponses' in rest || 'requestState' in rest) return undefined
  return JSON.stringify([method, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))])
}
