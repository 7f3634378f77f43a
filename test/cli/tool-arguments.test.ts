import { assert, double, jsonValue, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coerceValue } from '../../cli/src/arguments/coerce-value.ts'
import { argumentSynopsis, knownArguments, toolArguments } from '../../cli/src/arguments/tool-arguments.ts'

const root = {
  $defs: {
    Colour: { enum: ['red', 'green', 3, null, false] },
    Point: { type: 'object', properties: { x: { type: 'number' } } },
    Loop: { $ref: '#/$defs/Loop' },
    'a/b~c': { type: 'integer' },
  },
}
const NOT = Symbol('does not fit')
const coerced = (text: string, schema: unknown): unknown => {
  const result = coerceValue(text, schema, root)
  return result.ok ? result.value : NOT
}

describe('coercion by the input schema', () => {
  it.each<[string, string, unknown, unknown]>([
    ['string', '5', { type: 'string' }, '5'],
    ['string that looks like JSON', '{"a":1}', { type: 'string' }, '{"a":1}'],
    ['empty string', '', { type: 'string' }, ''],
    ['text with equals signs', 'a=b=c', { type: 'string' }, 'a=b=c'],
    ['number', '-1.5e3', { type: 'number' }, -1500],
    ['number: empty', '', { type: 'number' }, NOT],
    ['number: hexadecimal', '0x10', { type: 'number' }, NOT],
    ['number: leading zero', '007', { type: 'number' }, NOT],
    ['number: Infinity', 'Infinity', { type: 'number' }, NOT],
    ['number: too large for a double', '1e999', { type: 'number' }, NOT],
    ['number: with a unit', '5kg', { type: 'number' }, NOT],
    ['number: spaces', ' 5', { type: 'number' }, NOT],
    ['integer', '42', { type: 'integer' }, 42],
    ['integer with a zero fraction', '42.0', { type: 'integer' }, 42],
    ['integer: fraction', '4.2', { type: 'integer' }, NOT],
    ['integer: beyond what a double holds exactly', '9007199254740993', { type: 'integer' }, NOT],
    ['boolean', 'true', { type: 'boolean' }, true],
    ['boolean', 'false', { type: 'boolean' }, false],
    ['boolean: yes', 'yes', { type: 'boolean' }, NOT],
    ['boolean: 1', '1', { type: 'boolean' }, NOT],
    ['null', 'null', { type: 'null' }, null],
    ['array', '["a",1]', { type: 'array' }, ['a', 1]],
    ['array: an object', '{}', { type: 'array' }, NOT],
    ['array: not JSON', 'a,b', { type: 'array' }, NOT],
    ['object', '{"a":{"b":[]}}', { type: 'object' }, { a: { b: [] } }],
    ['object: null', 'null', { type: 'object' }, NOT],
    ['object: array', '[]', { type: 'object' }, NOT],
    ['enum of strings', 'asc', { enum: ['asc', 'desc'] }, 'asc'],
    ['enum: not listed', 'up', { enum: ['asc', 'desc'] }, NOT],
    ['enum: a listed number', '3', { $ref: '#/$defs/Colour' }, 3],
    ['enum: a listed null', 'null', { $ref: '#/$defs/Colour' }, null],
    ['enum: a listed false', 'false', { $ref: '#/$defs/Colour' }, false],
    ['enum: the string "3" before the number', '3', { enum: [3, '3'] }, '3'],
    ['const', 'v1', { const: 'v1' }, 'v1'],
    ['const: a number', '7', { const: 7 }, 7],
    ['const: another', 'v2', { const: 'v1' }, NOT],
    ['type array: number or null', 'null', { type: ['number', 'null'] }, null],
    ['type array: number or null', '5', { type: ['number', 'null'] }, 5],
    ['type array: neither', 'x', { type: ['number', 'null'] }, NOT],
    ['string or number: a number', '5', { type: ['string', 'number'] }, 5],
    ['string or number: text', '5a', { type: ['string', 'number'] }, '5a'],
    ['string or number: leading zeros stay text', '007', { type: ['number', 'string'] }, '007'],
    ['anyOf optional integer', '5', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, 5],
    ['anyOf optional string', 'hello', { anyOf: [{ type: 'string' }, { type: 'null' }] }, 'hello'],
    ['oneOf with references', '{"x":1}', { oneOf: [{ $ref: '#/$defs/Point' }, { type: 'string' }] }, { x: 1 }],
    ['nested anyOf', 'true', { anyOf: [{ anyOf: [{ type: 'boolean' }] }, { type: 'string' }] }, true],
    ['allOf', '5', { allOf: [{ type: 'integer' }, { minimum: 1 }] }, 5],
    ['allOf of a reference', '{"x":1}', { allOf: [{ $ref: '#/$defs/Point' }] }, { x: 1 }],
    ['escaped reference', '5', { $ref: '#/$defs/a~1b~0c' }, 5],
    ['no type at all', '5', {}, '5'],
    ['true', '5', true, '5'],
    ['false', '5', false, NOT],
    ['properties without a type', '{"x":1}', { properties: {} }, { x: 1 }],
    ['an unknown type', '5', { type: 'decimal' }, NOT],
    ['a reference that leads nowhere', '5', { $ref: '#/$defs/Missing' }, '5'],
    ['a reference elsewhere is never fetched', '5', { $ref: 'https://example.com/schema.json' }, '5'],
    ['a reference to itself ends', '5', { $ref: '#/$defs/Loop' }, '5'],
  ])('%s: %s', (_name, text, schema, expected) => {
    expect(coerced(text, schema)).toEqual(expected)
  })

  it('never throws, whatever the schema looks like', () => {
    assert(
      property(string(), jsonValue(), (text, schema) => {
        expect(() =>
          coerceValue(text, schema, schema !== null && typeof schema === 'object' ? (schema as never) : {}),
        ).not.toThrow()
      }),
    )
  })

  it('gives every string argument back unchanged', () => {
    assert(
      property(string(), text => {
        expect(coerced(text, { type: 'string' })).toBe(text)
      }),
    )
  })

  it('gives every JSON number back as JSON.parse reads it', () => {
    assert(
      property(double({ noNaN: true, noDefaultInfinity: true }), value => {
        const text = JSON.stringify(value)
        if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) expect(coerced(text, { type: 'number' })).toBe(NOT)
        else expect(coerced(text, { type: 'number' })).toBe(JSON.parse(text))
      }),
    )
  })
})

describe('arguments of a tool', () => {
  const schema = {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Where' },
      depth: { type: 'integer' },
      sort: { enum: ['asc', 'desc'] },
    },
    required: ['path'],
  }

  it('merges --input below name=value', () => {
    expect(toolArguments(['depth=2'], '{"path":"/a","depth":1}', schema)).toEqual({ path: '/a', depth: 2 })
  })

  it('keeps everything after the first equals sign', () => {
    expect(toolArguments(['path=a=b'], undefined, schema)).toEqual({ path: 'a=b' })
  })

  it.each<[string, string[], string | undefined, RegExp]>([
    [
      'an unknown name, with the closest known one',
      ['path=a', 'dept=2'],
      undefined,
      /no argument “dept”; did you mean “depth”\?/,
    ],
    ['a missing required argument', ['depth=2'], undefined, /missing argument: path/],
    ['a value that does not fit', ['path=a', 'depth=two'], undefined, /“depth” should be integer/],
    ['a value that is not listed', ['path=a', 'sort=up'], undefined, /“sort” should be asc \| desc/],
    ['a name given twice', ['path=a', 'path=b'], undefined, /“path” is given twice/],
    ['a word without an equals sign', ['path'], undefined, /name=value/],
    ['a word without a name', ['=x'], undefined, /name=value/],
    ['input that is not JSON', [], '{path}', /not valid JSON/],
    ['input that is no object', [], '[1]', /JSON object/],
  ])('refuses %s', (_name, words, input, message) => {
    expect(() => toolArguments(words, input, schema)).toThrow(message)
  })

  it('names the known arguments in the hint', () => {
    expect(() => toolArguments(['x=1'], undefined, schema)).toThrow(
      expect.objectContaining({ hint: 'arguments: path=<string> [depth=<integer>] [sort=<asc | desc>]' }),
    )
    expect(() => toolArguments(['x=1'], undefined, { type: 'object' })).toThrow(
      expect.objectContaining({ hint: 'this tool takes no arguments' }),
    )
  })

  it('takes other names only where the schema says so', () => {
    expect(toolArguments(['n=1'], undefined, { type: 'object', additionalProperties: { type: 'number' } })).toEqual({
      n: 1,
    })
    expect(toolArguments(['n=1'], undefined, { type: 'object', additionalProperties: true })).toEqual({ n: '1' })
    expect(() => toolArguments([], '{"n":1}', { ...schema, additionalProperties: false })).toThrow(/no argument “n”/)
    expect(toolArguments([], '{"path":"a","n":1}', schema)).toEqual({ path: 'a', n: 1 })
  })

  it('treats __proto__ as a name like any other', () => {
    const result = toolArguments([], '{"__proto__":{"polluted":true}}', { type: 'object' })
    expect(Object.keys(result)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(() => toolArguments(['constructor=1'], undefined, schema)).toThrow(/no argument “constructor”/)
  })

  it('lists required arguments first, whole schemas behind a reference included', () => {
    const referenced = { $ref: '#/$defs/Input', $defs: { Input: schema } }
    expect(knownArguments(referenced)).toEqual([
      { name: 'path', required: true, expects: 'string', description: 'Where' },
      { name: 'depth', required: false, expects: 'integer' },
      { name: 'sort', required: false, expects: 'asc | desc' },
    ])
    expect(argumentSynopsis(undefined)).toBe('')
  })
})
