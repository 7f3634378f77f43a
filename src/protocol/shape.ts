import { isObject } from '../jsonrpc/message.ts'

/** Where a received value is not what it should be. */
export interface ShapeIssue {
  /** Such as `result.tools[3].name`. */
  readonly path: string
  readonly expected: string
  /** The kind of what came, never its value: `number`, `null`, `nothing`. */
  readonly received: string
  /** All three in one line: `result.tools[3].name: expected a string, received number`. */
  readonly message: string
}

/** A value that was read, or what is wrong with it. */
export type ShapeVerdict<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly issue: ShapeIssue }

/**
 * Reads a value of unknown origin: returns it when it fits, a cleaned copy when only something unimportant did not fit, or a
 * mismatch. Never throws and never changes its argument.
 */
export type Shape<Value> = (value: unknown) => Value | Mismatch

/** What is expected of the members of an object. */
export type MemberShapes<Value> = { readonly [Member in keyof Value]?: Shape<Exclude<Value[Member], undefined>> }

/** Reads a value and says where it does not fit; `root` is the first word of the path. */
export function readShape<Value>(shape: Shape<Value>, value: unknown, root: string): ShapeVerdict<Value> {
  const read = shape(value)
  return read instanceof Mismatch ? { ok: false, issue: toIssue(read, root) } : { ok: true, value: read }
}

/** A mismatch in words. */
export function toIssue({ expected, received, path }: Mismatch, root: string): ShapeIssue {
  const place = root + path.map(formatKey).join('')
  return { path: place, expected, received, message: `${place}: expected ${expected}, received ${received}` }
}

/** Why a value does not fit. A class only so that a shape's two outcomes can be told apart. */
export class Mismatch {
  readonly expected: string
  readonly received: string
  readonly path: readonly (string | number)[]

  constructor(expected: string, received: string, path: readonly (string | number)[] = []) {
    this.expected = expected
    this.received = received
    this.path = path
  }
}

/** The mismatch of one value. */
export function mismatch(expected: string, value: unknown): Mismatch {
  return new Mismatch(expected, kindOf(value))
}

/** The same mismatch, seen from the object or array around it. */
export function within(key: string | number, inner: Mismatch): Mismatch {
  return new Mismatch(inner.expected, inner.received, [key, ...inner.path])
}

/** A string. */
export const string: Shape<string> = value => (typeof value === 'string' ? value : mismatch('a string', value))

/** A number. */
export const number: Shape<number> = value => (typeof value === 'number' ? value : mismatch('a number', value))

/** True or false. */
export const boolean: Shape<boolean> = value => (typeof value === 'boolean' ? value : mismatch('a boolean', value))

/** An object, whatever its members. */
export function anyObject<Value extends object>(): Shape<Value> {
  return value => (isObject(value) ? (value as Value) : mismatch('an object', value))
}

/** One of a few strings. */
export function oneOf<Value extends string>(...values: readonly Value[]): Shape<Value> {
  const expected = values.map(value => JSON.stringify(value)).join(' or ')
  return value => values.find(known => known === value) ?? mismatch(expected, value)
}

/** A list. Null counts as empty, since some servers write an empty list so. */
export function list<Item>(item: Shape<Item>): Shape<readonly Item[]> {
  return value => {
    if (value === null) return []
    if (!Array.isArray(value)) return mismatch('an array', value)
    let copy: Item[] | undefined
    for (let index = 0; index < value.length; index++) {
      const read = item(value[index])
      if (read instanceof Mismatch) return within(index, read)
      if (read !== value[index]) (copy ??= [...value])[index] = read
    }
    return copy ?? value
  }
}

/** An object whose members, whatever their names, are alike. */
export function record<Item>(item: Shape<Item>): Shape<Readonly<Record<string, Item>>> {
  return value => {
    if (!isObject(value)) return mismatch('an object', value)
    const entries: [string, Item][] = []
    for (const [key, member] of Object.entries(value)) {
      const read = item(member)
      if (read instanceof Mismatch) return within(key, read)
      entries.push([key, read])
    }
    return Object.fromEntries(entries)
  }
}

/**
 * An object. `required` members must be there and fit. `optional` ones must fit; null counts as absent. A `decoration` that does not
 * fit is dropped: it is only ever shown. Members that are not named are kept as they are.
 */
export function object<Value extends object>(
  required: MemberShapes<Value>,
  optional: MemberShapes<Value> = {},
  decoration: MemberShapes<Value> = {},
): Shape<Value> {
  const members: readonly (readonly [string, unknown, 'required' | 'optional' | 'decoration'])[] = [
    ...Object.entries(required).map(([key, shape]) => [key, shape, 'required'] as const),
    ...Object.entries(optional).map(([key, shape]) => [key, shape, 'optional'] as const),
    ...Object.entries(decoration).map(([key, shape]) => [key, shape, 'decoration'] as const),
  ]
  return value => {
    if (!isObject(value)) return mismatch('an object', value)
    let copy: Record<string, unknown> | undefined
    for (const [key, shape, kind] of members) {
      const member = value[key]
      if (kind !== 'required' && member === undefined) continue
      let read = kind !== 'required' && member === null ? undefined : (shape as Shape<unknown>)(member)
      if (read instanceof Mismatch) {
        if (kind !== 'decoration') return within(key, read)
        read = undefined
      }
      if (read === member) continue
      copy ??= { ...value }
      if (read === undefined) delete copy[key]
      else copy[key] = read
    }
    return (copy ?? value) as Value
  }
}

/** An object whose kind is told by one member. A kind that is not listed passes, unless the variants are closed. */
export function variants<Member extends string, Value extends Readonly<Record<Member, string>>>(
  member: Member,
  shapes: { readonly [Kind in Value[Member]]: Shape<Extract<Value, Readonly<Record<Member, Kind>>>> },
  options: { readonly closed?: boolean } = {},
): Shape<Value> {
  const byKind: Readonly<Record<string, Shape<Value>>> = shapes
  const expected = Object.keys(shapes)
    .map(kind => JSON.stringify(kind))
    .join(' or ')
  return value => {
    if (!isObject(value)) return mismatch('an object', value)
    const kind = value[member]
    if (typeof kind !== 'string') return within(member, mismatch('a string', kind))
    const shape = Object.hasOwn(byKind, kind) ? byKind[kind] : undefined
    if (shape) return shape(value)
    return options.closed ? within(member, mismatch(expected, kind)) : (value as Value)
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]{0,60}$/

/** Keys may come from a server: shown as data, cut and without anything that is not plain ASCII. */
function formatKey(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 60)).replace(/[^\x20-\x7e]/g, '?')}]`
}
