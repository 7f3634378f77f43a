import type { OutputUnit, Schema } from '@cfworker/json-schema'
import { isObject } from '../jsonrpc/message.ts'
import { expectationText, typeName } from './json-schema-expectation.ts'
import type { SchemaIssue } from './schema.ts'
import { MAX_ISSUES, nameText, schemaIssue } from './schema-issue.ts'

/** What was judged, by what. */
export interface Judged {
  readonly schema: Schema
  readonly lookup: Readonly<Record<string, Schema | boolean>>
  readonly value: unknown
}

type Path = readonly (string | number)[]

/** Alternatives of which a message tells why they do not fit. */
const MAX_ALTERNATIVES = 4
/** Findings that only say that there is another one, which follows. */
const WRAPPERS: ReadonlySet<string> = new Set([
  '$ref',
  '$recursiveRef',
  'allOf',
  'if',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'dependentSchemas',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
])
/** Findings that speak for those below them, which follow. */
const SUMMARIES: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'contains', 'propertyNames'])

/** What a judgement found, in words that a model can act on: each issue names the member it is about. At most 10, each once. */
export function toIssues(findings: readonly OutputUnit[], judged: Judged): readonly SchemaIssue[] {
  const issues = new Map<string, SchemaIssue>()
  for (let index = 0; index < findings.length && issues.size < MAX_ISSUES; ) {
    const finding = findings[index] as OutputUnit
    const end = SUMMARIES.has(finding.keyword) ? endBelow(findings, index) : index + 1
    if (!WRAPPERS.has(finding.keyword)) {
      const issue = toIssue(finding, findings.slice(index + 1, end), findings[index - 1], judged)
      issues.set(`${issue.path} ${issue.message}`, issue)
    }
    index = end
  }
  return issues.size > 0 ? [...issues.values()] : [schemaIssue([], 'does not fit the schema')]
}

/** Where the findings end that lie below the one at `start`. */
function endBelow(findings: readonly OutputUnit[], start: number): number {
  const below = `${findings[start]?.keywordLocation}/`
  // What a schema of `false` finds has no location of its own, and belongs to the finding before it.
  const isBelow = (each: OutputUnit): boolean => each.keywordLocation.startsWith(below) || each.keyword === 'false'
  const length = findings.slice(start + 1).findIndex(each => !isBelow(each))
  return length === -1 ? findings.length : start + 1 + length
}

function toIssue(
  finding: OutputUnit,
  below: readonly OutputUnit[],
  before: OutputUnit | undefined,
  judged: Judged,
): SchemaIssue {
  const { keyword, error } = finding
  const { path, value } = locate(finding.instanceLocation, judged.value)
  const missing = /does not have (?:required property )?"(.*)"\.$/s.exec(error)?.[1]
  if (missing !== undefined) {
    const reason = keyword === 'required' ? 'required, but missing' : 'required beside what is there, but missing'
    return schemaIssue([...path, missing], reason)
  }
  if (keyword === 'false') return schemaIssue(path, unexpectedText(before, judged))
  if (keyword === 'propertyNames')
    return schemaIssue(path, `the name ${/"(.*)"/s.exec(error)?.[1]?.slice(0, 80) ?? ''} is not allowed here`)
  if (keyword === 'anyOf' || (keyword === 'oneOf' && error.includes('(0 matches)')))
    return schemaIssue(path, alternativesText(finding, below, path, judged))
  const wanted = keywordAt(finding.keywordLocation, judged)
  return schemaIssue(path, expectationText(keyword, wanted, value) ?? error)
}

/** Why a member may not be there, and which may. */
function unexpectedText(before: OutputUnit | undefined, judged: Judged): string {
  const isExtra = before?.keyword === 'additionalProperties' || before?.keyword === 'unevaluatedProperties'
  if (!isExtra) return 'not allowed here'
  const parent = keywordAt(before.keywordLocation.replace(/\/[^/]*$/, ''), judged)
  const properties = isObject(parent) && isObject(parent['properties']) ? Object.keys(parent['properties']) : []
  const known = properties.slice(0, 20).map(nameText).join(', ')
  return known === '' ? 'unknown member, expected none' : `unknown member, expected only ${known}`
}

/** Why none of some alternatives fits. */
function alternativesText(finding: OutputUnit, below: readonly OutputUnit[], at: Path, judged: Judged): string {
  const branches: OutputUnit[][] = []
  let current = ''
  for (const unit of below) {
    const rest = unit.keywordLocation.slice(finding.keywordLocation.length + 1)
    const branch = unit.keyword === 'false' && branches.length > 0 ? current : (rest.split('/', 1)[0] ?? '')
    if (branch !== current || branches.length === 0) branches.push([])
    branches.at(-1)?.push(unit)
    current = branch
  }
  const here = schemaIssue(at, '').path
  const reasons = branches.slice(0, MAX_ALTERNATIVES).map(units => {
    const [issue] = toIssues(units, judged)
    return issue === undefined || issue.path === here ? issue?.message : `${issue.path} ${issue.message}`
  })
  const more = branches.length > reasons.length ? [`${branches.length - reasons.length} more`] : []
  if (reasons.length === 0)
    return `fits none of the alternatives, received ${typeName(locate(finding.instanceLocation, judged.value).value)}`
  return `fits none of the alternatives: ${[...new Set([...reasons, ...more])].join('; or ')}`
}

/** The member that a JSON pointer leads to. */
function locate(pointer: string, root: unknown): { readonly path: Path; readonly value: unknown } {
  const path: (string | number)[] = []
  let value = root
  for (const name of stepsOf(pointer)) {
    path.push(Array.isArray(value) ? Number(name) : name)
    value = memberOf(value, name)
  }
  return { path, value }
}

/** What stands in the schema where a judgement says it looked, through references. */
function keywordAt(location: string, { schema, lookup }: Judged): unknown {
  let node: unknown = schema
  for (const step of stepsOf(location)) {
    const { $ref, __absolute_ref__: address } = (isObject(node) ? node : {}) as Schema
    node = step === '$ref' && $ref !== undefined ? lookup[address ?? $ref] : memberOf(node, step)
  }
  return node
}

function stepsOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(step => decodeURIComponent(step).replace(/~1/g, '/').replace(/~0/g, '~'))
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
