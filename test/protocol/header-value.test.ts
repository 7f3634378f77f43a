import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeaderValue, encodeHeaderValue } from '../../src/protocol/header-value.ts'

describe('header values', () => {
  it.each([
    ['us-west1', 'us-west1'],
    ['file:///projects/myapp/config.json', 'file:///projects/myapp/config.json'],
    ['two words', 'two words'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['=?base64?=', '=?base64?PT9iYXNlNjQ/PQ==?='],
    ['=?BASE64?literal?=', '=?BASE64?literal?='],
    ['\ufeffmark', '=?base64?77u/bWFyaw==?='],
    ['', ''],
  ])('encodes %j as %s', (value, encoded) => {
    expect(encodeHeaderValue(value)).toBe(encoded)
    expect(decodeHeaderValue(encoded)).toBe(value)
  })

  it('whatever the value, the header is plain ASCII without outer white space and decodes to it', () => {
    const values = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.string().map(text => `=?base64?${text}?=`),
    )
    fc.assert(
      fc.property(values, value => {
        const encoded = encodeHeaderValue(value)
        expect(encoded).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/)
        expect(new Headers({ 'mcp-name': encoded }).get('mcp-name')).toBe(encoded)
        expect(decodeHeaderValue(encoded)).toBe(value)
      }),
    )
  })

  it.each([
    '=?base64?=',
    '=?base64?!?=',
    '=?base64?/w==?=',
    // No padding, white space, bits left over: what `atob` would forgive.
    '=?base64?SGVsbG8?=',
    '=?base64?SGVs bG8=?=',
    '=?base64?SGVsbG9=?=',
  ])('%s decodes to nothing', value => {
    expect(decodeHeaderValue(value)).toBeUndefined()
  })

  it('any other received value is itself, and none makes decoding throw', () => {
    fc.assert(
      fc.property(fc.string(), value => {
        fc.pre(!value.startsWith('=?base64?'))
        expect(decodeHeaderValue(value)).toBe(value)
      }),
    )
    fc.assert(
      fc.property(fc.string(), value => {
        expect(() => decodeHeaderValue(`=?base64?${value}?=`)).not.toThrow()
      }),
    )
  })
})
