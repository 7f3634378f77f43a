import { describe, expect, it } from 'vitest'
import { choicesOf, completeForm } from '../../src/client.ts'
import type { PrimitiveSchemaDefinition } from '../../src/client.ts'

const form = (properties: Record<string, PrimitiveSchemaDefinition>, required: string[] = []) =>
  ({ type: 'object', properties, required }) as const

const TITLED = {
  type: 'string',
  oneOf: [
    { const: 'r', title: 'Red' },
    { const: 'g', title: 'Green' },
  ],
} as const
const LEGACY = { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] } as const
const SEVERAL = { type: 'array', items: { type: 'string', enum: ['r', 'g'] }, minItems: 1, maxItems: 1 } as const
const SEVERAL_TITLED = { type: 'array', items: { anyOf: [{ const: 'r', title: 'Red' }] } } as const

describe('an accepted form', () => {
  it('gets the defaults of what was left out, false and empty ones included, and keeps what was given', () => {
    const schema = form({
      a: { type: 'string', default: '' },
      b: { type: 'boolean', default: false },
      c: { type: 'number', default: 0 },
      d: { ...SEVERAL, default: ['g'] },
      e: { type: 'integer', default: 1 },
      f: { type: 'string' },
    })
    expect(completeForm(schema, { e: 2 })).toEqual({ a: '', b: false, c: 0, d: ['g'], e: 2 })
  })

  it.each<[string, PrimitiveSchemaDefinition, string | number | boolean | string[]]>([
    ['a text', { type: 'string' }, 1],
    ['at least 2 characters', { type: 'string', minLength: 2 }, '😀'],
    ['at most 1 characters', { type: 'string', maxLength: 1 }, 'ab'],
    ['a whole number', { type: 'integer' }, 1.5],
    ['a number', { type: 'number' }, Number.NaN],
    ['at least 1', { type: 'number', minimum: 1 }, 0],
    ['at most 1', { type: 'number', maximum: 1 }, 2],
    ['true or false', { type: 'boolean' }, 'yes'],
    ['one of r, g', TITLED, 'b'],
    ['one of r, g', LEGACY, 'Red'],
    ['some of r, g', SEVERAL, ['b']],
    ['a list', SEVERAL, 'r'],
    ['at least 1 items', SEVERAL, []],
    ['at most 1 items', SEVERAL, ['r', 'g']],
    ['some of r', SEVERAL_TITLED, ['g']],
  ])('is refused when a member is not %s', (expected, field, value) => {
    expect(() => completeForm(form({ member: field }), { member: value })).toThrow(`member should be ${expected}`)
  })

  it('is refused when a required member has neither value nor default', () => {
    expect(() => completeForm(form({ a: { type: 'string' } }, ['a']))).toThrow('a should be a value')
    expect(completeForm(form({ a: { type: 'string', default: 'x' } }, ['a']))).toEqual({ a: 'x' })
  })

  it('lets the types of later revisions pass', () => {
    const later = { type: 'color' } as unknown as PrimitiveSchemaDefinition
    expect(completeForm(form({ a: later }), { a: 'red' })).toEqual({ a: 'red' })
  })
})

describe('choices', () => {
  it('are read in every way that revisions have written them', () => {
    const both = [
      { value: 'r', title: 'Red' },
      { value: 'g', title: 'Green' },
    ]
    expect(choicesOf(TITLED)).toEqual(both)
    expect(choicesOf(LEGACY)).toEqual(both)
    expect(choicesOf(SEVERAL)).toEqual([
      { value: 'r', title: 'r' },
      { value: 'g', title: 'g' },
    ])
    expect(choicesOf(SEVERAL_TITLED)).toEqual([{ value: 'r', title: 'Red' }])
    expect(choicesOf({ type: 'string' })).toBeUndefined()
  })
})

describe('a form by a careless or hostile server', () => {
  const form = (properties: object) => ({ type: 'object' as const, properties: properties as never })

  it('never gets a member that it did not ask for', () => {
    expect(() => completeForm(form({ name: { type: 'string' } }), { name: 'Ada', card: '4111' })).toThrow(/card/)
  })

  it.each([
    ['of another type', { type: 'integer', default: 'many' }],
    ['outside its choices', { type: 'string', enum: ['a'], default: 'b' }],
    ['that is null', { type: 'string', default: null }],
  ])('a default %s is left out, and not taken for the answer of the handler', (_what, field) => {
    expect(completeForm(form({ field }), {})).toEqual({})
  })

  it.each([
    ['a list without items', { type: 'array' }, ['x']],
    ['items that are no object', { type: 'array', items: null }, ['x']],
    ['a choice that is no list', { type: 'string', enum: 'abc', oneOf: {} }, 'x'],
    ['options that are no objects', { type: 'string', oneOf: [null, 'x'] }, 'x'],
  ])('%s does not make it fail otherwise than by telling what fits', (_what, field, value) => {
    expect(completeForm(form({ field }), { field: value })).toEqual({ field: value })
  })
})
