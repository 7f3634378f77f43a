import { describe, expect, it, vi } from 'vitest'
import { compileSchema, type SchemaInput, type SchemaVerdict } from '../../src/server/schema.ts'

const INPUT = { side: 'input', what: 'the input of tool "t"' } as const
const OUTPUT = { side: 'output', what: 'the output of tool "t"' } as const

const CONTACT = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const judge = (schema: SchemaInput, value: unknown) => compileSchema(schema, INPUT).validate(value) as SchemaVerdict
const issuesOf = (schema: SchemaInput, value: unknown): readonly string[] => {
  const verdict = judge(schema, value)
  return verdict.ok ? [] : verdict.issues.map(({ path, message }) => `${path}: ${message}`)
}

describe('raw JSON Schema', () => {
  it('R-SCHEMA-1 goes out as it came, without the marks of the validator', () => {
    const schema = structuredClone(CONTACT)
    const { json, validate } = compileSchema(schema, INPUT)
    expect(validate({ email: 'a' })).toMatchObject({ ok: true })
    expect(json).toBe(schema)
    expect(JSON.stringify(json)).toBe(JSON.stringify(CONTACT))
    expect(Object.getOwnPropertyNames(schema.$defs.address)).toEqual(Object.keys(CONTACT.$defs.address))
    expect(() => compileSchema(Object.freeze({ type: 'object' }), INPUT)).not.toThrow()
  })

  it('applies references, anchors, conditions and closed objects', () => {
    expect(judge(CONTACT, { email: 'a', address: { city: 'Bern' } }).ok).toBe(true)
    expect(judge(CONTACT, { contactMethod: 'phone', phone: '1' }).ok).toBe(true)
    expect(issuesOf(CONTACT, { contactMethod: 'phone', email: 'a' })).toEqual(['phone: required, but missing'])
    expect(issuesOf(CONTACT, { email: 'a', address: { city: 5 } })).toEqual([
      'address.city: expected string, received number',
    ])
    expect(issuesOf(CONTACT, { email: 'a', contactMethod: 'fax' })).toEqual([
      'contactMethod: expected one of "phone", "email"',
    ])
    expect(issuesOf(CONTACT, { email: 'a', fax: 1 })).toEqual([
      'fax: unknown member, expected only name, address, contactMethod, phone, email',
    ])
    expect(issuesOf(CONTACT, {})).toEqual([
      ': fits none of the alternatives: phone required, but missing; or email required, but missing',
      'email: required, but missing',
    ])
    const anchored = { ...CONTACT, properties: { ...CONTACT.properties, address: { $ref: '#addressDef' } } }
    expect(issuesOf(anchored, { email: 'a', address: { city: null } })).toEqual([
      'address.city: expected string, received null',
    ])
  })

  it('tells all that is wrong, each at its place', () => {
    const schema = {
      type: 'object',
      properties: {
        items: {
          type: 'array',
          items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
        },
        2: { type: 'object', properties: { 'a/b~c d': { type: ['string', 'null'] } } },
      },
    }
    const value = { items: [{ name: 1 }, { name: 'a' }, {}], 2: { 'a/b~c d': [] } }
    expect(issuesOf(schema, value)).toEqual([
      '["2"]["a/b~c d"]: expected string or null, received array',
      'items[0].name: expected string, received number',
      'items[2].name: required, but missing',
    ])
  })

  it.each<[object, unknown, string]>([
    [{ const: 'a' }, 'b', 'expected "a"'],
    [{ pattern: '^[a-z]+$' }, 'B', 'expected text that matches ^[a-z]+$'],
    [{ format: 'email' }, 'B', 'expected text in the format "email"'],
    [{ minimum: 2 }, 1, 'expected at least 2'],
    [{ maximum: 2 }, 3, 'expected at most 2'],
    [{ exclusiveMinimum: 2 }, 2, 'expected more than 2'],
    [{ exclusiveMaximum: 2 }, 2, 'expected less than 2'],
    [{ multipleOf: 2 }, 3, 'expected a multiple of 2'],
    [{ minLength: 2 }, '😀', 'expected at least 2 characters'],
    [{ maxLength: 1 }, 'ab', 'expected at most 1 characters'],
    [{ minItems: 1 }, [], 'expected at least 1 items'],
    [{ maxItems: 1 }, [1, 2], 'expected at most 1 items'],
    [{ minProperties: 1 }, {}, 'expected at least 1 members'],
    [{ maxProperties: 0 }, { a: 1 }, 'expected at most 0 members'],
    [{ uniqueItems: true }, [1, 1], 'expected no item twice'],
    [{ contains: { type: 'string' } }, [1], 'expected at least one item that fits what the schema has under contains'],
    [{ not: { type: 'string' } }, 'a', 'fits what the schema excludes'],
    [{ oneOf: [{}, {}] }, 'a', 'fits more than one of the alternatives, expected exactly one'],
    [
      { oneOf: [{ type: 'null' }, { minLength: 3 }] },
      'a',
      'fits none of the alternatives: expected null, received string; or expected at least 3 characters',
    ],
    [{ propertyNames: { maxLength: 1 } }, { ab: 1 }, 'the name ab is not allowed here'],
    [{ type: 'string' }, undefined, 'expected a value, received nothing'],
    [
      { enum: Array.from({ length: 21 }, (_, index) => index) },
      'a',
      'expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 or another of its choices',
    ],
  ])('says what %j expected instead of %j', (schema, value, message) => {
    expect(issuesOf({ ...schema }, value)).toEqual([`: ${message}`])
  })

  it('tells of alternatives in one issue, closed objects among them', () => {
    const closed = { properties: { a: {} }, additionalProperties: false }
    const schema = { anyOf: [closed, { type: 'null' }, { type: 'array' }, false, { minProperties: 9 }] }
    expect(issuesOf({ ...schema, required: ['id'] }, { b: 1 })).toEqual([
      ': fits none of the alternatives: b unknown member, expected only a; or expected null, received object; or expected array, received object; or expected at least 9 members',
      'id: required, but missing',
    ])
  })

  it('names the missing partner of a member', () => {
    expect(issuesOf({ dependentRequired: { card: ['address'] } }, { card: 1 })).toEqual([
      'address: required beside what is there, but missing',
    ])
  })

  it('R-SCHEMA-1 applies draft-07 when $schema says so', () => {
    const $schema = 'http://json-schema.org/draft-07/schema#'
    const tuple = { $schema, type: 'array', items: [{ type: 'string' }], additionalItems: false }
    expect(issuesOf(tuple, ['a'])).toEqual([])
    expect(judge(tuple, ['a', 1]).ok).toBe(false)
    const beside = {
      definitions: { text: { type: 'string' } },
      properties: { a: { $ref: '#/definitions/text', minLength: 4 } },
    }
    expect(judge({ $schema, ...beside }, { a: 'ab' }).ok).toBe(true)
    expect(judge(beside, { a: 'ab' }).ok).toBe(false)
  })

  it.each(['http://json-schema.org/schema#', 'http://json-schema.org/draft-06/schema'])(
    'R-SCHEMA-1 takes what $schema %j names',
    $schema => {
      expect(judge({ $schema, type: 'string' }, 'a').ok).toBe(true)
    },
  )

  it.each(['', 'https://example.com/dialect', 'http://json-schema.org/draft-03/schema#'])(
    'R-SCHEMA-1 that is of the dialect %j, which is not known, is refused when it is registered',
    $schema => {
      expect(() => compileSchema({ $schema, type: 'object' }, INPUT)).toThrow(
        `is of a draft that is not known: $schema should be https://json-schema.org/draft/2020-12/schema, or that of 2019-09, draft-07, draft-06 or draft-04; received ${JSON.stringify($schema)}`,
      )
    },
  )

  it('R-SCHEMA-1 that refers out of itself, or to nothing, is refused when it is registered, and never fetched', () => {
    const fetch = vi.spyOn(globalThis, 'fetch')
    for (const $ref of ['https://example.com/a.json', 'other.json#/a', '#/$defs/none', '#none'])
      expect(() => compileSchema({ properties: { a: { items: { $ref } } } }, INPUT)).toThrow(
        `The schema of the input of tool "t" refers to ${JSON.stringify($ref)}, which is not in it. References are never fetched`,
      )
    expect(fetch).not.toHaveBeenCalled()
    fetch.mockRestore()
    const bundled = { $id: 'https://example.com/a', $ref: 'b', $defs: { b: { $id: 'b', type: 'string' } } }
    expect(issuesOf(bundled, 1)).toEqual([': expected string, received number'])
    expect(judge({ properties: { $ref: { type: 'string' } } }, { $ref: 'https://example.com' }).ok).toBe(true)
  })

  it('that cannot be applied is refused when it is registered', () => {
    expect(() => compileSchema({ properties: { a: { pattern: '(' } } }, INPUT)).toThrow(/no regular expression/)
    expect(() => compileSchema({ patternProperties: { '[': {} } }, INPUT)).toThrow(/no regular expression/)
    expect(() => compileSchema({ $dynamicRef: '#a', $defs: { a: { $dynamicAnchor: 'a' } } }, INPUT)).toThrow(
      /use \$ref/,
    )
    expect(() => compileSchema({ $id: 'http://[' }, INPUT)).toThrow(/cannot be applied/)
    const circular: Record<string, unknown> = {}
    circular['items'] = circular
    expect(() => compileSchema(circular, INPUT)).toThrow(/is not JSON/)
  })
})

describe('values from outside', () => {
  it('that are large and wrong all over cost one finding', () => {
    const schema = { type: 'array', items: { type: 'string' } }
    expect(
      issuesOf(
        schema,
        Array.from({ length: 20 }, () => 1),
      ),
    ).toHaveLength(10)
    expect(
      issuesOf(
        schema,
        Array.from({ length: 300_000 }, () => 1),
      ),
    ).toEqual(['[0]: expected string, received number'])
  })

  it('R-SCHEMA-1 are not compared with each other beyond measure', () => {
    const schema = { properties: { all: { uniqueItems: true } } }
    expect(judge(schema, { all: Array.from({ length: 1_998 }, (_, index) => index) }).ok).toBe(true)
    expect(issuesOf(schema, { all: Array.from({ length: 200_000 }, (_, index) => index) })).toEqual([
      ': too large to look for duplicates in: expected at most 2000 values in all',
    ])
  })

  it('cannot pass for what they are not through their prototype', () => {
    const schema = { type: 'object', required: ['toString'], additionalProperties: false }
    expect(issuesOf(schema, {})).toEqual(['toString: required, but missing'])
    expect(issuesOf({ additionalProperties: false }, JSON.parse('{"__proto__":{"a":1}}'))).toEqual([
      '__proto__: unknown member, expected none',
    ])
  })

  it('may have names that no address can hold', () => {
    expect(issuesOf({ additionalProperties: false }, { '\ud800': 1 })).toEqual([
      ': expected names of members in well-formed Unicode',
    ])
  })
})

describe('values of a handler', () => {
  const schema = { type: 'object', properties: { at: { type: 'string' }, note: { type: 'string' } }, required: ['at'] }
  const { validate } = compileSchema(schema, OUTPUT)

  it('are judged as JSON carries them', () => {
    const at = new Date(0)
    expect(validate({ at, note: undefined })).toEqual({ ok: true, value: { at: '1970-01-01T00:00:00.000Z' } })
    expect(validate({ at: 1 })).toEqual({
      ok: false,
      issues: [{ path: 'at', message: 'expected string, received number' }],
    })
  })

  it('that JSON cannot carry are refused', () => {
    expect(validate({ at: 5n })).toEqual({
      ok: false,
      issues: [{ path: '', message: 'expected a value that JSON can carry' }],
    })
    expect(validate(() => 1)).toMatchObject({ ok: false })
  })
})
