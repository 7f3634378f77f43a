import { describe, expect, it } from 'vitest'
import { isSwiftPattern } from '../../src/schema/bounded-schema.ts'
import { createJsonSchemaValidator } from '../../src/schema/json-schema-validator.ts'
import type { ToolOutputSchema } from '../../src/protocol/tools.ts'

describe('a schema by a hostile server', () => {
  /** References that fork thirty times: a thousand million steps. */
  const forking = (levels: number): ToolOutputSchema => {
    const entries = Array.from({ length: levels }, (_, level) => {
      const next = { $ref: `#/$defs/d${level + 1}` }
      return [`d${level}`, { allOf: [next, next] }]
    })
    return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(entries), [`d${levels}`]: { type: 'string' } } }
  }

  it('R-SCHEMA-1 does not keep the client busy with references that fork', async () => {
    expect((await createJsonSchemaValidator(forking(4)))?.({})).toBeDefined()
    const forkingInData = {
      $defs: { n: { properties: { a: { allOf: [{ $ref: '#/$defs/n' }, { $ref: '#/$defs/n' }] } } } },
    }
    let nested: object = {}
    for (let level = 0; level < 40; level += 1) nested = { a: nested }
    expect((await createJsonSchemaValidator({ ...forkingInData, $ref: '#/$defs/n' }))?.(nested)).toBeUndefined()
    expect((await createJsonSchemaValidator(forking(30)))?.('text')).toBeUndefined()
  })

  it('R-SCHEMA-1 does not keep the client busy with regular expressions', async () => {
    const schema = { properties: { text: { type: 'string', pattern: '^(a+)+$' } } }
    expect((await createJsonSchemaValidator(schema))?.({ text: `${'a'.repeat(60)}!` })).toBeUndefined()
    const swift = await createJsonSchemaValidator({ properties: { text: { pattern: '^[a-z]+$' } } })
    expect([swift?.({ text: 'abc' }), swift?.({ text: 'ABC' }) === undefined]).toEqual([undefined, false])
  })

  it('R-SCHEMA-1 does not compare everything with everything', async () => {
    const validate = await createJsonSchemaValidator({ properties: { all: { uniqueItems: true } } })
    expect(validate?.({ all: [1, 1] })).toBeDefined()
    expect(validate?.({ all: Array.from({ length: 100_000 }, () => ({})) })).toBeUndefined()
  })
})

describe('a regular expression', () => {
  it.each(['^abc$', '^[A-Z]{3}$', String.raw`^\d{4}-\d{2}-\d{2}$`, '^[a-z(|]+$', '[0-9a-f]{8}', String.raw`^\S*$`])(
    '%s is swift',
    pattern => expect(isSwiftPattern(pattern)).toBe(true),
  )

  it.each([
    '^(a+)+$',
    'a+$',
    '^a*a*$',
    '^a?a?$',
    String.raw`^(a)\1`,
    'a|b',
    '^a{1,9}b{1,9}$',
    'x'.repeat(257),
    String.raw`^[\]]*a*`,
  ])('%s is not taken for swift', pattern => expect(isSwiftPattern(pattern)).toBe(false))
})
