import { encodeIllegal, firstCharacters, STYLES } from './uri-template-expansion.ts'
import { findSpans, type Step } from './uri-template-search.ts'
import {
  type Expression,
  malformedTemplate,
  type Operator,
  type TemplatePart,
  type VariableSpec,
} from './uri-template-syntax.ts'

/** Longest URI that is looked at, in characters, percent-encoded. */
export const MAX_MATCHED_URI_LENGTH = 16_384

type Match = Readonly<Record<string, string | readonly string[]>>

/** A variable with what stands for it. */
interface Capture {
  readonly variable: VariableSpec
  readonly value: string | readonly string[]
}

interface Span {
  readonly expression: Expression
  readonly from: number
  readonly to: number
}

/** Which operators may stand right behind which: their first character ends what is before. */
const MAY_FOLLOW: Readonly<Record<Operator, string>> = {
  '': '/;?&#',
  '+': '?#',
  '#': '',
  '.': '/;?&#',
  '/': '/;?&#',
  ';': '/?&#',
  '?': '#',
  '&': '#',
}
const ENDS_SEGMENT = '/?#&'
/** Handed over as they came: values of these were never meant to be one segment of a path. */
const UNGUARDED = '+#?&'

/** Compiles the matcher of a template. @throws {TypeError} the template is ambiguous */
export function createTemplateMatcher(
  template: string,
  parts: readonly TemplatePart[],
): (uri: string) => Match | undefined {
  refuseAmbiguity(template, parts)
  const steps: Step[] = []
  const spans: Span[] = []
  parts.forEach((part, index) => {
    if (part.kind === 'literal') {
      steps.push({ kind: 'literal', text: normalize(part.text) })
      return
    }
    const next = parts[index + 1]
    const from = steps.length
    steps.push(...compileExpression(part, next?.kind === 'expression' ? next.operator : '', from))
    spans.push({ expression: part, from, to: steps.length })
  })
  return uri => {
    const text = readUri(uri)
    const entered = text === undefined ? undefined : findSpans(steps, text)
    if (text === undefined || entered === undefined) return undefined
    const captures: Capture[] = []
    for (const { expression, from, to } of spans) {
      const captured = capture(expression, text.slice(entered[from], entered[to]))
      if (captured === undefined) return undefined
      captures.push(...captured)
    }
    return agree(captures)
  }
}

function refuseAmbiguity(template: string, parts: readonly TemplatePart[]): void {
  const seen = new Map<string, boolean>()
  let previous: Expression | undefined
  for (const part of parts) {
    if (part.kind === 'literal') {
      previous = undefined
      continue
    }
    const refuse = (problem: string): never => {
      throw malformedTemplate(template, part.position, problem)
    }
    const lists = part.variables.filter(({ explode }) => explode).length
    if (lists > 1) refuse('two lists in one expression cannot be told apart')
    if (previous !== undefined) {
      const isSeparable = part.operator !== '' && MAY_FOLLOW[previous.operator].includes(part.operator)
      const isMoreOfTheSame = previous.operator === part.operator && previous.variables.some(({ explode }) => explode)
      if (!isSeparable || isMoreOfTheSame)
        refuse('it cannot be told apart from the expression right before it: put text between them, or make them one')
    }
    for (const { name, explode } of part.variables) {
      if (seen.has(name) && (explode || seen.get(name))) refuse(`the list "${name}" appears twice`)
      seen.set(name, explode)
    }
    previous = part
  }
}

/** The URI as a template's text is compared to it; `undefined` for what is no URI or too long. */
function readUri(uri: string): string | undefined {
  if (uri.length > MAX_MATCHED_URI_LENGTH || /%(?![0-9A-Fa-f]{2})/.test(uri)) return undefined
  try {
    const text = normalize(uri)
    return text.length > MAX_MATCHED_URI_LENGTH ? undefined : text
  } catch {
    // Half a surrogate pair.
    return undefined
  }
}

function normalize(text: string): string {
  return encodeIllegal(text).replace(/%[0-9A-Fa-f]{2}/g, encoded => encoded.toUpperCase())
}

function isSplit(variables: readonly VariableSpec[]): boolean {
  return variables.length > 1 || variables.some(({ explode }) => explode)
}

function compileExpression({ operator, variables }: Expression, next: Operator, at: number): readonly Step[] {
  const { first, separator, named } = STYLES[operator]
  const steps: Step[] = []
  const skips: number[] = []
  const here = (): number => at + steps.length
  const maybe = (): void => {
    skips.push(steps.length)
    steps.push({ kind: 'maybe', otherwise: 0 })
  }
  const excluded = excludedCharacters(operator, variables, next)
  const element = (): void => {
    if (!named && !UNGUARDED.includes(operator || ' ')) steps.push({ kind: 'one', excluded })
    steps.push({ kind: 'many', excluded })
  }
  if (first !== '') {
    maybe()
    steps.push({ kind: 'character', character: first, next: here() + 1 })
  }
  const firstElement = here()
  element()
  if (!named && variables.some(({ explode }) => explode)) {
    maybe()
    steps.push({ kind: 'character', character: separator, next: firstElement })
  } else if (!named) {
    for (let more = variables.length - 1; more > 0; more--) {
      maybe()
      steps.push({ kind: 'character', character: separator, next: here() + 1 })
      element()
    }
  }
  const end = here()
  return steps.map((step, index) => (skips.includes(index) ? { kind: 'maybe', otherwise: end } : step))
}

function excludedCharacters(operator: Operator, variables: readonly VariableSpec[], next: Operator): string {
  if (operator === '?' || operator === '&') return '#'
  const separator = isSplit(variables) && operator !== ';' ? STYLES[operator].separator : ''
  if (operator === '+' || operator === '#') return separator + (next === '?' ? '?#' : next)
  return ENDS_SEGMENT + separator + (next === ';' ? ';' : '')
}

/** What the variables of an expression are; `undefined` when that cannot be. */
function capture({ operator, variables }: Expression, span: string): readonly Capture[] | undefined {
  const { first, separator, named } = STYLES[operator]
  if (first !== '' && span === '') return []
  const text = span.slice(first.length)
  if (named) return captureNamed(operator, variables, text.split(separator))
  const decoded: string[] = []
  for (const element of isSplit(variables) ? text.split(separator) : [text]) {
    const value = decode(operator, element)
    if (value === undefined) return undefined
    decoded.push(value)
  }
  // A list takes what the others leave.
  const surplus = Math.max(0, decoded.length - variables.length)
  const captures: Capture[] = []
  let position = 0
  for (const variable of variables) {
    const values = decoded.slice(position, position + 1 + (variable.explode ? surplus : 0))
    position += values.length
    const [value] = values
    if (value === undefined) break
    captures.push({ variable, value: variable.explode ? values : value })
  }
  return captures
}

function captureNamed(
  operator: Operator,
  variables: readonly VariableSpec[],
  parameters: readonly string[],
): readonly Capture[] | undefined {
  const byName = new Map(variables.map(variable => [normalize(variable.name), variable]))
  const found = new Map<VariableSpec, string[]>()
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=')
    const variable = byName.get(equals === -1 ? parameter : parameter.slice(0, equals))
    if (variable === undefined) continue
    const value = decode(operator, equals === -1 ? '' : parameter.slice(equals + 1))
    const values = found.get(variable) ?? []
    if (value === undefined || (values.length > 0 && !variable.explode)) return undefined
    found.set(variable, [...values, value])
  }
  return [...found].map(([variable, values]) => ({ variable, value: variable.explode ? values : (values[0] ?? '') }))
}

function decode(operator: Operator, encoded: string): string | undefined {
  let value: string
  try {
    value = decodeURIComponent(encoded)
  } catch {
    // Not UTF-8.
    return undefined
  }
  if (operator !== '' && UNGUARDED.includes(operator)) return value
  // `%2F..%2F` must not lead a handler out of the folder that it joins the value to.
  return value === '.' || value === '..' || /[/\\\0]/.test(value) ? undefined : value
}

/** One value for each variable: the longest, of which the others are the prefixes that the template asks for. */
function agree(captures: readonly Capture[]): Match | undefined {
  const values = new Map<string, string | readonly string[]>()
  for (const { variable, value } of captures) {
    const known = values.get(variable.name)
    if (known === undefined || value.length > known.length) values.set(variable.name, value)
  }
  for (const { variable, value } of captures) {
    const whole = values.get(variable.name)
    if (typeof value === 'string' && typeof whole === 'string') {
      if (firstCharacters(whole, variable.prefix) !== value) return undefined
    }
  }
  return Object.fromEntries(values)
}
