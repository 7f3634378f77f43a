import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import type { StandardSchemaWithJson } from '../../src/schema/standard-schema.ts'
import { compileSchema, isObjectSchema, type SchemaVerdict } from '../../src/server/schema.ts'

const INPUT = { side: 'input', what: 'the input of tool "weather"' } as const
const OUTPUT = { side: 'output', what: 'the output of tool "weather"' } as const

type Standard = StandardSchemaWithJson['~standard']

const handMade = (parts: Partial<Standard>): StandardSchemaWithJson => ({
  '~standard': {
    version: 1,
    vendor: 'by-hand',
    validate: value => ({ value }),
    jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'string' }) },
    ...parts,
  },
})
const withoutJson = (schema: unknown): StandardSchemaWithJson => schema as StandardSchemaWithJson

describe('a Standard Schema', () => {
  const schema = z.object({
    city: z.string(),
    days: z.number().default(3),
    tags: z.array(z.object({ name: z.string() })),
  })

  it('says what goes in as JSON Schema 2020-12, and lets through what it makes of a value, at once', () => {
    const { json, validate } = compileSchema(schema, INPUT)
    expect(json).toMatchObject({ type: 'object', properties: { city: { type: 'string' } }, required: ['city', 'tags'] })
    expect(isObjectSchema(json)).toBe(true)
    expect(validate({ city: 'Bern', tags: [], extra: 1 })).toEqual({
      ok: true,
      value: { city: 'Bern', days: 3, tags: [] },
    })
  })

  it('says what comes out for an output', () => {
    expect(compileSchema(schema, OUTPUT).json['required']).toEqual(['city', 'days', 'tags'])
    expect(compileSchema(handMade({}), INPUT).json).toEqual({ type: 'object' })
    expect(compileSchema(handMade({}), OUTPUT).json).toEqual({ type: 'string' })
  })

  it('tells where each problem is', () => {
    expect(compileSchema(schema, INPUT).validate({ city: 1, tags: [{ name: 'a' }, {}] })).toEqual({
      ok: false,
      issues: [
        { path: 'city', message: 'Invalid input: expected string, received number' },
        { path: 'tags[1].name', message: 'Invalid input: expected string, received undefined' },
      ],
    })
  })

  it('may judge asynchronously and transform', async () => {
    const asynchronous = z.string().refine(async text => Promise.resolve(text !== 'taken'), 'is taken')
    const { validate } = compileSchema(asynchronous, INPUT)
    expect(await validate('taken')).toEqual({ ok: false, issues: [{ path: '', message: 'is taken' }] })
    expect(await validate('free')).toEqual({ ok: true, value: 'free' })
    const doubled = handMade({ validate: value => Promise.resolve({ value: Number(value) * 2 }) })
    const verdict = compileSchema(doubled, INPUT).validate('4')
    expect(verdict).toBeInstanceOf(Promise)
    expect(await verdict).toEqual({ ok: true, value: 8 })
  })

  it('may be a function, as those of some libraries are', () => {
    const callable = Object.assign(() => undefined, handMade({}))
    expect(compileSchema(callable, INPUT).validate(5)).toEqual({ ok: true, value: 5 })
  })

  it('that cannot say itself as JSON Schema is refused, with what to do in its library', () => {
    expect(() => compileSchema(withoutJson(mini.object({})), INPUT)).toThrow(
      /the input of tool "weather", made with zod, .* zod 4\.2 or later, and import from 'zod' rather than 'zod\/mini'/,
    )
    const bare = (vendor: string) =>
      withoutJson({ '~standard': { version: 1, vendor, validate: () => ({ value: 1 }) } })
    expect(() => compileSchema(bare('valibot'), INPUT)).toThrow(/toStandardJsonSchema\(\) of @valibot\/to-json-schema/)
    expect(() => compileSchema(bare('other'), INPUT)).toThrow(/Standard JSON Schema, or give JSON Schema/)
    expect(() => compileSchema(withoutJson({ '~standard': { version: 1, vendor: 'x' } }), INPUT)).toThrow(/no validate/)
  })

  it('with types that JSON does not have is refused', () => {
    expect(() => compileSchema(z.object({ at: z.date() }), INPUT)).toThrow(
      /Date cannot be represented.*types that JSON/,
    )
    expect(() => compileSchema(z.string().transform(Number), OUTPUT)).toThrow(/Transforms.*\.pipe\(\) in zod/)
    const none = handMade({ jsonSchema: { input: () => [] as never, output: () => ({}) } })
    expect(() => compileSchema(none, INPUT)).toThrow(/no object/)
  })

  it('does not fill the answer: at most 10 issues, each short and free of control characters', () => {
    const long = handMade({
      validate: () => ({
        issues: Array.from({ length: 1000 }, () => ({
          message: `\u001b[31m\u202e${'m'.repeat(10_000)}`,
          path: [
            'a\u0000b',
            { key: 'n'.repeat(10_000) },
            3,
            Symbol('s'),
            ...Array.from({ length: 1000 }, () => 'deep'),
          ],
        })),
      }),
    })
    const verdict = compileSchema(long, INPUT).validate({})
    const { issues } = verdict as Extract<SchemaVerdict, { ok: false }>
    expect(issues).toHaveLength(10)
    expect(issues[0]?.message.length).toBeLessThanOrEqual(300)
    expect(issues[0]?.path.length).toBeLessThanOrEqual(200)
    expect(issues[0]?.path).toMatch(/^\["a b"\]\["n{79}…"\]\[3\]/)
    expect(JSON.stringify(issues)).not.toMatch(/\\u00|\u202e/)
  })
})

describe('any schema', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 1
    for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { value }
    return value
  }

  it.each([
    ['zod', z.unknown()],
    ['raw JSON Schema', { $ref: '#/$defs/any', $defs: { any: {} } }],
  ])('refuses values nested too deep to be followed: %s', (_, schema) => {
    const { validate } = compileSchema(schema, INPUT)
    expect(validate(nested(100))).toMatchObject({ ok: true })
    expect(validate(nested(101))).toEqual({
      ok: false,
      issues: [{ path: '', message: 'nested too deep, expected at most 100 levels' }],
    })
    expect(validate(nested(100_000))).toMatchObject({ ok: false })
  })

  it('that is none is refused', () => {
    for (const schema of [null, undefined, 5, 'string', [], () => undefined])
      expect(() => compileSchema(withoutJson(schema), INPUT)).toThrow(/the input of tool "weather" is neither/)
  })

  it('never throws on a value from outside, and its verdict is small', async () => {
    const json: z.ZodType = z.lazy(() => z.union([z.string(), z.array(json), z.object({ a: json, b: z.number() })]))
    const schemas = [
      compileSchema(json, INPUT),
      compileSchema(
        {
          anyOf: [
            { type: 'string', pattern: '^a' },
            { type: 'array', items: { $ref: '#' }, uniqueItems: true },
            { $ref: '#/$defs/o' },
          ],
          $defs: {
            o: {
              type: 'object',
              properties: { a: { $ref: '#' }, b: { type: 'number', multipleOf: 3 }, toString: { not: {} } },
              patternProperties: { '^x-': false },
              propertyNames: { maxLength: 5 },
              additionalProperties: { oneOf: [{ type: 'integer' }, { minimum: 2 }] },
              required: ['a', '__proto__'],
            },
          },
        },
        INPUT,
      ),
    ]
    const text = fc.string({ unit: 'binary' })
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.double(),
        fc.constantFrom(null, undefined, true, '\ud800', 5n, Symbol('s'), () => 1),
        fc.array(tie('any'), { maxLength: 5 }),
        fc.dictionary(fc.oneof(text, fc.constantFrom('a', 'b', '__proto__', 'toString', 'x-1', '\udc00')), tie('any')),
      ),
    })).any
    await fc.assert(
      fc.asyncProperty(value, async each => {
        for (const { validate } of schemas) {
          const verdict = await validate(each)
          if (verdict.ok) continue
          expect(verdict.issues.length).toBeGreaterThan(0)
          expect(verdict.issues.length).toBeLessThanOrEqual(10)
          for (const issue of verdict.issues) {
            expect(issue.path.length).toBeLessThanOrEqual(200)
            expect(issue.message.length).toBeLessThanOrEqual(300)
            expect(issue.path + issue.message).not.toMatch(/\p{Cc}/u)
          }
        }
      }),
    )
  })
})
