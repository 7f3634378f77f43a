import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { PROTOCOL_REVISIONS } from '../../../src/protocol/revisions.ts'
import type { ProtocolRevision } from '../../../src/protocol/revisions.ts'

/** One node of a JSON Schema, as far as the published schemas use the language. */
export interface SchemaNode {
  readonly $ref?: string
  readonly anyOf?: readonly SchemaNode[]
  readonly allOf?: readonly SchemaNode[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | SchemaNode
  readonly items?: SchemaNode
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
}

/** The published schema of one revision. */
export interface PublishedSchema {
  readonly definitions: Readonly<Record<string, SchemaNode>>
  /** Problems of a value against one definition, in words; empty when it is valid. */
  problems(definition: string, value: unknown): readonly string[]
}

/** Reads the published schema of a revision. */
export function publishedSchema(revision: ProtocolRevision): PublishedSchema {
  const url = new URL(`../schema/${revision}.json`, import.meta.url)
  const document: Record<string, any> = JSON.parse(readFileSync(url, 'utf8'))
  const keyword = '$defs' in document ? '$defs' : 'definitions'
  const options = { strict: false, allErrors: true } as const
  const ajv = keyword === '$defs' ? new Ajv2020(options) : new Ajv(options)
  addFormats.default(ajv)
  ajv.addSchema(document, 'mcp')
  const compiled = new Map<string, ValidateFunction>()
  return {
    definitions: document[keyword],
    problems(definition, value) {
      const validate = compiled.get(definition) ?? ajv.compile({ $ref: `mcp#/${keyword}/${definition}` })
      compiled.set(definition, validate)
      return validate(value) ? [] : (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`)
    },
  }
}

/** All published schemas laid over each other, to find members that none of them has. */
export interface ClosedSchema {
  /** Paths of the members that no revision's definition has. Where any members are allowed, all are known. */
  unknownMembers(definition: string, value: unknown): readonly string[]
}

/** Lays the published schemas over each other. */
export function closedSchema(): ClosedSchema {
  const schemas = PROTOCOL_REVISIONS.map(publishedSchema)

  /** What a node may be at this place: the node itself, the targets of its reference, its branches. */
  const resolve = (node: SchemaNode, seen: readonly string[] = []): readonly SchemaNode[] => {
    if (node.$ref) {
      const name = node.$ref.slice(node.$ref.lastIndexOf('/') + 1)
      return seen.includes(name) ? [] : named(name, [...seen, name])
    }
    return [node, ...[...(node.anyOf ?? []), ...(node.allOf ?? [])].flatMap(branch => resolve(branch, seen))]
  }
  const named = (name: string, seen: readonly string[] = []): readonly SchemaNode[] =>
    schemas.flatMap(({ definitions }) => (definitions[name] ? resolve(definitions[name], seen) : []))

  const unknown = (nodes: readonly SchemaNode[], value: unknown, path: string): readonly string[] => {
    if (Array.isArray(value)) {
      const items = nodes.flatMap(node => (node.items ? resolve(node.items) : []))
      return value.flatMap((item, index) => unknown(items, item, `${path}/${index}`))
    }
    if (typeof value !== 'object' || value === null) return []
    // Only variants of the same kind count: the members of an image are unknown in a text.
    const kinds = nodes.filter(({ properties = {} }) =>
      ['type', 'method', 'mode'].every(key => fits(properties[key], (value as Record<string, unknown>)[key])),
    )
    if (!kinds.some(({ properties }) => properties)) return []
    return Object.entries(value).flatMap(([key, member]) => {
      const here = kinds.flatMap(({ properties }) => (properties?.[key] ? resolve(properties[key]) : []))
      if (here.length > 0) return unknown(here, member, `${path}/${key}`)
      return path.endsWith('/_meta') || path.endsWith('Schema') ? [] : [`${path}/${key}`]
    })
  }
  return { unknownMembers: (definition, value) => unknown(named(definition), value, '') }
}

function fits(node: SchemaNode | undefined, value: unknown): boolean {
  return node?.const === undefined || value === undefined || node.const === value
}
