import * as fc from 'fast-check'
import type { PublishedSchema, SchemaNode } from './published-schema.ts'

/** How instances stray from the schema's letter while staying what a lenient reader accepts. */
export interface InstanceOptions {
  /** An optional member may be null. */
  readonly nulls?: boolean
  /** An object may have a member nobody knows. */
  readonly unknownMembers?: boolean
}

const DEPTH = 7

/** Instances of one definition, bounded in depth and size. */
export function instancesOf(
  schema: PublishedSchema,
  definition: string,
  options: InstanceOptions = {},
): fc.Arbitrary<any> {
  const memo = new Map<string, fc.Arbitrary<unknown>>()
  const named = (name: string, depth: number): fc.Arbitrary<unknown> => {
    const key = `${name} ${depth}`
    const known = memo.get(key)
    if (known) return known
    const made = instance(schema.definitions[name]!, depth)
    memo.set(key, made)
    return made
  }

  const instance = (node: SchemaNode, depth: number): fc.Arbitrary<unknown> => {
    if (node.$ref) return named(node.$ref.slice(node.$ref.lastIndexOf('/') + 1), depth - 1)
    if (node.anyOf)
      return fc.oneof(...(depth > 0 ? node.anyOf : node.anyOf.slice(-1)).map(branch => instance(branch, depth)))
    if (node.allOf)
      return fc
        .tuple(...node.allOf.map(part => instance(part, depth)))
        .map(parts => Object.assign({}, ...(parts as object[])))
    if (node.const !== undefined) return fc.constant(node.const)
    if (node.enum) return fc.constantFrom(...node.enum)
    if (Array.isArray(node.type)) return fc.oneof(...node.type.map(type => instance({ ...node, type }, depth)))
    switch (node.type) {
      case 'string':
        return text(node.format)
      case 'integer':
        return fc.integer({ min: node.minimum ?? -1000, max: node.maximum ?? 1_000_000 })
      case 'number':
        return fc.double({ min: node.minimum ?? -1e6, max: node.maximum ?? 1e6, noNaN: true })
      case 'boolean':
        return fc.boolean()
      case 'array':
        return depth > 0
          ? fc.array(instance(node.items ?? {}, depth), { maxLength: Math.min(2, node.maxItems ?? 2) })
          : fc.constant([])
      case 'object':
        return objects(node, depth)
      default:
        return fc.constantFrom<unknown>('any', 7, true, ['list'], { nested: { deep: 1 } })
    }
  }

  const objects = (node: SchemaNode, depth: number): fc.Arbitrary<object> => {
    const required = new Set(node.required)
    const members: Record<string, fc.Arbitrary<unknown>> = {}
    for (const [name, member] of Object.entries(node.properties ?? {})) {
      if (required.has(name)) members[name] = instance(member, depth)
      else if (depth > 0)
        members[name] = options.nulls ? fc.oneof(fc.constant(null), instance(member, depth)) : instance(member, depth)
    }
    const declared = fc.record(members, { requiredKeys: [...required].filter(name => name in members) })
    const extra = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
    const unknown =
      options.unknownMembers && extra === undefined
        ? { 'x-unknown': fc.constantFrom<unknown>(null, 1, { a: [1] }) }
        : {}
    const rest: fc.Arbitrary<object> =
      extra && depth > 0
        ? fc.dictionary(fc.constantFrom('a', 'com.example/b'), instance(extra, depth - 1), { maxKeys: 2 })
        : fc.record(unknown, { requiredKeys: [] })
    return fc
      .tuple(rest, declared)
      .map(([others, own]) => Object.setPrototypeOf({ ...others, ...own }, Object.prototype))
  }

  return named(definition, DEPTH)
}

function text(format: string | undefined): fc.Arbitrary<string> {
  switch (format) {
    case 'uri':
      return fc.constantFrom('file:///a/b.txt', 'https://example.com/x?y=1', 'urn:isbn:0451450523')
    case 'uri-template':
      return fc.constantFrom('file:///{path}', 'https://example.com/{id}{?q}')
    case 'byte':
      return fc.constantFrom('', 'aGVsbG8=')
    default:
      return fc.string({ maxLength: 12 })
  }
}
