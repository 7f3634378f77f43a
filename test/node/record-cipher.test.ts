import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { DataKey } from '../../src/node/data-key.ts'
import { openRecord, type RecordPlace, sealRecord } from '../../src/node/record-cipher.ts'
import { emptyRecord } from '../../src/oauth/credential-record.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'

const keyOf = (fill: number): DataKey => {
  const bytes = Buffer.alloc(32, fill)
  return { bytes, id: createHash('sha256').update(bytes).digest().subarray(0, 8) }
}
const key = keyOf(7)
const place: RecordPlace = { path: '/store/name/3', name: 'name', version: 3 }
const record = { ...emptyRecord({ server: 'https://mcp.example.com/mcp', profile: 'canary-profile' }), current: 'x' }
const sealed = Buffer.from(sealRecord(record, place, key))

function failure(open: () => unknown): StoreError {
  try {
    open()
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it opened')
}

describe('a sealed record', () => {
  it('opens to what was sealed, a deletion too', () => {
    expect(openRecord(sealed, place, key)).toEqual(record)
    expect(openRecord(Buffer.from(sealRecord('deleted', place, key)), place, key)).toBe('deleted')
  })

  it('is never sealed twice alike, nor readable', () => {
    expect(Buffer.from(sealRecord(record, place, key)).equals(sealed)).toBe(false)
    expect(sealed.toString('latin1')).not.toContain('canary')
    expect(sealed.toString('latin1')).not.toContain('mcp.example.com')
  })

  it('opens with no byte of it changed, removed or added, wherever', () => {
    for (let index = 0; index < sealed.length; index++) {
      for (const bit of [0x01, 0x80]) {
        const changed = Buffer.from(sealed)
        changed[index] = changed[index]! ^ bit
        expect(failure(() => openRecord(changed, place, key)).code).toMatch(/^(corrupt|newer_format)$/)
      }
      expect(failure(() => openRecord(sealed.subarray(0, index), place, key)).code).toBe('corrupt')
      const longer = Buffer.concat([sealed.subarray(0, index), Buffer.from([sealed[index]!]), sealed.subarray(index)])
      expect(() => openRecord(longer, place, key)).toThrow(StoreError)
    }
  })

  it.each([
    'latchkey-credentials 01',
    'latchkey-credentials 1 ',
    'latchkey-credentials 1.0',
    'latchkey-credentials 0x1',
    'latchkey-credentials +1',
  ])('has one way to write its format, not %j', line => {
    const body = sealed.subarray(sealed.indexOf(0x0a))
    expect(failure(() => openRecord(Buffer.concat([Buffer.from(line), body]), place, key)).code).toBe('corrupt')
  })

  it('opens only where it belongs', () => {
    for (const elsewhere of [
      { ...place, name: 'other' },
      { ...place, version: 4 },
      { ...place, name: 'name\n3', version: 3 },
    ]) {
      expect(failure(() => openRecord(sealed, elsewhere, key)).code).toBe('corrupt')
    }
    expect(openRecord(sealed, { ...place, path: '/moved/name/3' }, key)).toEqual(record)
  })

  it('field L4: without its key is unreadable, with another one says so', () => {
    expect(failure(() => openRecord(sealed, place, undefined)).code).toBe('unreadable')
    const other = failure(() => openRecord(sealed, place, keyOf(8)))
    expect(other.message).toContain('another data key')
    // A key of the same name is caught by the tag.
    expect(failure(() => openRecord(sealed, place, { bytes: keyOf(8).bytes, id: key.id })).code).toBe('corrupt')
  })

  it('in a newer format is named as that, whatever follows', () => {
    const newer = Buffer.from('latchkey-credentials 2\n')
    expect(failure(() => openRecord(newer, place, key)).code).toBe('newer_format')
    expect(failure(() => openRecord(newer, place, undefined)).code).toBe('newer_format')
  })

  it('that holds something else is corrupt, and the error quotes none of it', () => {
    for (const content of [
      { canary: 1 },
      null,
      'canary',
      3,
      { format: 1 },
      { format: 1, server: 'canary', profile: 1 },
    ]) {
      const odd = Buffer.from(sealRecord(content as never, place, key))
      const error = failure(() => openRecord(odd, place, key))
      expect(error.code).toBe('corrupt')
      expect(`${error.message}${JSON.stringify(error)}${String(error.cause)}`).not.toContain('canary')
    }
  })
})
