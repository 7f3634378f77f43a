import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INVALID_PARAMS, RpcError } from '../../src/jsonrpc/errors.ts'
import { paginate } from '../../src/server/pagination.ts'

const keyOf = (item: string): string => item

/** Walks through all pages; the list may be another one each time. */
function walk(listAt: (page: number) => readonly string[], pageSize: number): readonly string[] {
  const seen: string[] = []
  const cursors = new Set<unknown>()
  for (let number = 0, cursor: unknown; ; number++) {
    const { page, nextCursor } = paginate(listAt(number), { cursor, pageSize, keyOf })
    expect(page.length).toBeLessThanOrEqual(pageSize)
    seen.push(...page)
    if (nextCursor === undefined) return seen
    expect(cursors).not.toContain(nextCursor)
    cursors.add(nextCursor)
    cursor = nextCursor
  }
}

const keys = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 30 })

describe('pages of a list', () => {
  it('keeps the order of a list that fits one page, and gives no cursor', () => {
    for (const items of [[], ['b', 'a', 'c']])
      expect(paginate(items, { cursor: undefined, pageSize: 3, keyOf })).toEqual({ page: items })
  })

  it('reads a cursor that is null as none', () => {
    expect(paginate(['a'], { cursor: null, pageSize: 1, keyOf })).toEqual({ page: ['a'] })
  })

  it('gives a cursor on every page but the last', () => {
    const first = paginate(['d', 'b', 'a', 'c'], { cursor: undefined, pageSize: 2, keyOf })
    expect(first).toEqual({ page: ['a', 'b'], nextCursor: expect.stringMatching(/^[\w-]+$/) as string })
    expect(paginate(['d', 'b', 'a', 'c'], { cursor: first.nextCursor, pageSize: 2, keyOf })).toEqual({
      page: ['c', 'd'],
    })
  })

  it('R-PAGE-1 shows each item once, and never repeats a cursor', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 7 }), (items, pageSize) => {
        expect([...walk(() => items, pageSize)].sort(compare)).toEqual([...items].sort(compare))
      }),
    )
  })

  it('shows each item that stays exactly once, and none twice, however the list changes between pages', () => {
    fc.assert(
      fc.property(
        keys,
        fc.array(keys, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        (staying, changing, pageSize) => {
          const listAt = (page: number): readonly string[] => [
            ...new Set([...(changing[page % changing.length] ?? []), ...staying]),
          ]
          const seen = walk(listAt, pageSize)
          expect(new Set(seen).size).toBe(seen.length)
          for (const item of staying) expect(seen).toContain(item)
        },
      ),
    )
  })

  it('goes on after an item that is gone, and ends when nothing is left', () => {
    const { nextCursor } = paginate(['a', 'b', 'c', 'd'], { cursor: undefined, pageSize: 2, keyOf })
    expect(paginate(['a', 'c', 'd'], { cursor: nextCursor, pageSize: 2, keyOf })).toEqual({ page: ['c', 'd'] })
    expect(paginate(['a'], { cursor: nextCursor, pageSize: 2, keyOf })).toEqual({ page: [] })
  })

  it.each([
    '',
    'invalid-cursor',
    '1',
    'YQ',
    'YQ==',
    'bnVsbA',
    '%%%',
    'é',
    7,
    {},
    Buffer.from('["before","a"]').toString('base64url'),
    Buffer.from('["after",1]').toString('base64url'),
    Buffer.from('["after","a","b"]').toString('base64url'),
  ])('refuses a cursor that it did not give: %j', cursor => {
    for (const pageSize of [1, 10]) {
      const list = (): unknown => paginate(['a', 'b'], { cursor, pageSize, keyOf })
      expect(list).toThrow(RpcError)
      expect(list).toThrow(
        expect.objectContaining({
          code: INVALID_PARAMS,
          message: expect.stringMatching(/^Invalid cursor/) as string,
        }) as Error,
      )
    }
  })

  it('never throws anything but an RpcError, whatever the cursor', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.base64String()), cursor => {
        if (cursor === undefined || cursor === null) return
        expect(() => paginate(['a'], { cursor, pageSize: 1, keyOf })).toThrow(RpcError)
      }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a page size of %d', pageSize => {
    expect(() => paginate(['a'], { cursor: undefined, pageSize, keyOf })).toThrow(RangeError)
  })
})

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
