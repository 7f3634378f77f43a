import type { JsonRpcNotification } from '../jsonrpc/message.ts'
import { isObject } from '../jsonrpc/message.ts'

/** Results that are kept at once; the one used longest ago is dropped first. */
const MAX_ENTRIES = 200

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
  /** The login it belongs to; absent for what anybody may see. */
  readonly grantId: string | undefined
}

/** Keeps results as long as the server says that they are fresh, apart for every login. */
export interface ResponseCache {
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
}: {
  readonly now?: () => number
} = {}): ResponseCache {
  const entries = new Map<string, Entry>()
  return {
    get(method, params, grantId) {
      const key = keyOf(method, params)
      const entry = key === undefined ? undefined : entries.get(key)
      if (key === undefined || !entry) return undefined
      const isOurs = entry.grantId === undefined || entry.grantId === grantId
      entries.delete(key)
      if (!isOurs || now() >= entry.freshUntil) return undefined
      entries.set(key, entry)
      return entry.result
    },
    put(method, params, grantId, result) {
      const key = keyOf(method, params)
      if (key === undefined || !isObject(result)) return
      entries.delete(key)
      const { ttlMs, cacheScope } = result as { readonly ttlMs?: unknown; readonly cacheScope?: unknown }
      const isPublic = cacheScope === 'public'
      if (typeof ttlMs !== 'number' || !(ttlMs > 0) || (!isPublic && grantId === undefined)) return
      const { uri } = (params ?? {}) as { readonly uri?: unknown }
      entries.set(key, { method, uri, result, freshUntil: now() + ttlMs, grantId: isPublic ? undefined : grantId })
      for (const oldest of entries.keys()) {
        if (entries.size <= MAX_ENTRIES) break
        entries.delete(oldest)
      }
    },
    notice({ method, params }) {
      const stale = Object.hasOwn(STALE, method) ? STALE[method] : undefined
      const uri = method === 'notifications/resources/updated' ? params?.['uri'] : undefined
      if (!stale && uri === undefined) return
      for (const [key, entry] of entries) {
        if (stale?.includes(entry.method) === true) entries.delete(key)
        if (uri !== undefined && entry.method === 'resources/read' && entry.uri === uri) entries.delete(key)
      }
    },
    clear: () => entries.clear(),
  }
}

/** Only what the protocol calls cacheable, and only as it was asked: answers to questions are not part of the key. */
function keyOf(method: string, params: object | undefined): string | undefined {
  if (!CACHEABLE.includes(method)) return undefined
  const { _meta, ...rest } = (params ?? {}) as Readonly<Record<string, unknown>>
  if ('inputResponses' in rest || 'requestState' in rest) return undefined
  return JSON.stringify([method, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))])
}
