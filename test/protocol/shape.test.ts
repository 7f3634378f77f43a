import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boolean, list, number, object, oneOf, readShape, record, string, variants } from '../../src/protocol/shape.ts'

interface Otter {
  readonly name: string
  readonly age?: number
  readonly note?: string
}
const otter = object<Otter>({ name: string }, { age: number }, { note: string })

describe('shapes', () => {
  it('return the very value that fits, unknown members included', () => {
    const value = { name: 'a', age: 1, note: 'b', more: null }
    const verdict = readShape(otter, value, 'result')
    expect(verdict.ok && verdict.value).toBe(value)
  })

  it('drop null optional members on a copy', () => {
    const value = Object.freeze({ name: 'a', age: null, note: null, more: null })
    expect(readShape(otter, value, 'result')).toEqual({ ok: true, value: { name: 'a', more: null } })
    expect(value).toEqual({ name: 'a', age: null, note: null, more: null })
  })

  it('drop a decoration that cannot be read, and refuse any other member', () => {
    expect(readShape(otter, { name: 'a', note: 5 }, 'result')).toEqual({ ok: true, value: { name: 'a' } })
    expect(readShape(otter, { name: 'a', age: 'old' }, 'result')).toMatchObject({
      issue: { message: 'result.age: expected a number, received string' },
    })
  })

  it.each([
    [null, 'result: expected an object, received null'],
    [undefined, 'result: expected an object, received nothing'],
    [[], 'result: expected an object, received array'],
    [{}, 'result.name: expected a string, received nothing'],
    [{ name: null }, 'result.name: expected a string, received null'],
  ])('%j: %s', (value, message) => {
    expect(readShape(otter, value, 'result')).toMatchObject({ ok: false, issue: { message } })
  })

  it('clean what lies deep without changing the original', () => {
    const value = { a: [{ name: 'x', age: null }, { name: 'y' }] }
    const verdict = readShape(record(list(otter)), value, 'result')
    expect(verdict).toEqual({ ok: true, value: { a: [{ name: 'x' }, { name: 'y' }] } })
    expect(value.a[0]).toEqual({ name: 'x', age: null })
  })

  it('take null for an empty list, as some servers write one, but not for a missing one', () => {
    expect(readShape(list(string), null, 'result')).toEqual({ ok: true, value: [] })
    expect(readShape(list(string), undefined, 'result')).toMatchObject({ ok: false })
  })

  it('tell variants apart by a member; an unknown kind passes unless they are closed', () => {
    type Animal = { readonly kind: 'otter'; readonly wet: boolean } | { readonly kind: 'owl' }
    const shapes = {
      otter: object<Extract<Animal, { kind: 'otter' }>>({ wet: boolean }),
      owl: object<Extract<Animal, { kind: 'owl' }>>({}),
    }
    const open = variants<'kind', Animal>('kind', shapes)
    const closed = variants<'kind', Animal>('kind', shapes, { closed: true })
    expect(readShape(open, { kind: 'elk' }, 'x')).toMatchObject({ ok: true })
    expect(readShape(open, { kind: 'toString' }, 'x')).toEqual({ ok: true, value: { kind: 'toString' } })
    expect(readShape(closed, { kind: 'elk' }, 'x')).toMatchObject({
      issue: { message: 'x.kind: expected "otter" or "owl", received string' },
    })
    expect(readShape(open, { kind: 'otter' }, 'x')).toMatchObject({
      issue: { message: 'x.wet: expected a boolean, received nothing' },
    })
    expect(readShape(open, {}, 'x')).toMatchObject({
      issue: { message: 'x.kind: expected a string, received nothing' },
    })
  })

  it('name allowed strings', () => {
    expect(readShape(oneOf('a', 'b'), 'c', 'x')).toMatchObject({
      issue: { message: 'x: expected "a" or "b", received string' },
    })
  })

  it('show keys of a server as data: quoted, cut, plain ASCII', () => {
    const key = `\u001b[31m\u202e${'k'.repeat(100)}`
    const verdict = readShape(record(string), { [key]: 1 }, 'x')
    expect(verdict).toMatchObject({ ok: false, issue: { path: expect.stringMatching(/^x\["[\x20-\x7e]{1,80}"\]$/) } })
  })

  it('survive a member called __proto__', () => {
    const value = JSON.parse('{"__proto__": {"name": "a"}, "b": {"name": "c", "age": null}}')
    const verdict = readShape(record(otter), value, 'x')
    expect(verdict.ok && Object.keys(verdict.value)).toEqual(['__proto__', 'b'])
    expect(readShape(otter, JSON.parse('{"__proto__": {"name": "a"}}'), 'x')).toMatchObject({ ok: false })
  })

  it('never throw and never change their argument', () => {
    const shape = list(object<{ a: string; b?: readonly Otter[] }>({ a: string }, { b: list(otter) }))
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.array(fc.record({ a: fc.jsonValue(), b: fc.jsonValue() }, { requiredKeys: [] }))),
        value => {
          const before = structuredClone(value)
          readShape(shape, value, 'x')
          expect(value).toEqual(before)
        },
      ),
    )
  })
})
