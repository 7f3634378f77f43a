import { INVALID_PARAMS, RpcError } from '../jsonrpc/errors.ts'
import { decodeBase64Url, encodeBase64Url } from '../oauth/protocol/base64url.ts'

/** What a page is cut by. */
export interface PageOptions<Item> {
  /** As the client sent it; `undefined` or `null` for the first page. */
  readonly cursor: unknown
  /** Most items of a page, at least 1. */
  readonly pageSize: number
  /** What names an item, such as its name or URI: different for each, and always the same. */
  readonly keyOf: (item: Item) => string
}

/** A part of a list. */
export interface Page<Item> {
  readonly page: readonly Item[]
  /** Where the next page begins; absent on the last one. */
  readonly nextCursor?: string
}

/** Marks what was made here. */
const MARK = 'after'

/**
 * Cuts one page out of a list. A list that fits one page keeps its order; a longer one is in the order of its keys' UTF-16 code units, and a cursor says
 * after which key to go on. So nothing is kept between two pages, any process can give the next, and whatever is added or removed meanwhile,
 * whoever walks through all pages sees each item that stays exactly once, and none twice.
 *
 * @throws {RpcError} −32602: the cursor is none that this function gave
 * @throws {RangeError} the page size is not a positive whole number
 * @see MCP 2026-07-28, Pagination
 */
export function paginate<Item>(items: readonly Item[], options: PageOptions<Item>): Page<Item> {
  const { cursor, pageSize, keyOf } = options
  if (!Number.isSafeInteger(pageSize) || pageSize < 1)
    throw new RangeError(`The page size is ${pageSize}; it must be a whole number of at least 1`)
  const isFirst = cursor === undefined || cursor === null
  if (isFirst && items.length <= pageSize) return { page: items }
  const after = isFirst ? undefined : readCursor(cursor)
  const rest = items
    .map(item => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
  const shown = rest.slice(0, pageSize)
  const last = shown.at(-1)
  const page = shown.map(({ item }) => item)
  return last === undefined || rest.length === shown.length ? { page } : { page, nextCursor: writeCursor(last.key) }
}

function writeCursor(key: string): string {
  // JSON, since it also keeps halves of surrogate pairs.
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify([MARK, key])))
}

function readCursor(cursor: unknown): string {
  const bytes = typeof cursor === 'string' ? decodeBase64Url(cursor) : undefined
  let content: unknown
  try {
    content = bytes && JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    content = undefined
  }
  if (Array.isArray(content) && content.length === 2) {
    const [mark, key] = content as readonly unknown[]
    if (mark === MARK && typeof key === 'string') return key
  }
  throw new RpcError(
    INVALID_PARAMS,
    'Invalid cursor: it is none that this server gave as nextCursor; list again without a cursor',
  )
}
