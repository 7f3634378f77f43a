/** Longest template, in characters. */
export const MAX_TEMPLATE_LENGTH = 8192
/** Most variables in a template, and so most expressions. */
export const MAX_TEMPLATE_VARIABLES = 64

/** The operators of RFC 6570 §2.2; empty for simple expansion. */
export type Operator = '' | '+' | '#' | '.' | '/' | ';' | '?' | '&'

/** A variable within an expression. */
export interface VariableSpec {
  readonly name: string
  readonly explode: boolean
  /** How many characters of the value are used. */
  readonly prefix?: number
}

/** `{…}` in a template. */
export interface Expression {
  readonly kind: 'expression'
  readonly operator: Operator
  readonly variables: readonly VariableSpec[]
  /** Where in the template it begins, from 0. */
  readonly position: number
}

/** Text between expressions. */
export interface Literal {
  readonly kind: 'literal'
  readonly text: string
}

export type TemplatePart = Expression | Literal

const OPERATORS: readonly string[] = ['+', '#', '.', '/', ';', '?', '&'] satisfies readonly Operator[]
const RESERVED_OPERATORS = '=,!@|'
const NAME = /^(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*$/
const PREFIX = /^[1-9]\d{0,3}$/
const NOT_LITERAL = /%(?![0-9A-Fa-f]{2})|[\p{Cc}\p{Cs} "<>\\^`|}]/u

/** What is wrong with a template, and where. */
export function malformedTemplate(template: string, position: number, problem: string): TypeError {
  const shown = template.length > 200 ? `${template.slice(0, 200)}…` : template
  return new TypeError(`URI template "${shown}" at position ${position}: ${problem} (RFC 6570)`)
}

/**
 * Takes a URI template apart.
 *
 * @throws {TypeError} the template is malformed, or has more than {@link MAX_TEMPLATE_LENGTH} characters or {@link MAX_TEMPLATE_VARIABLES} variables
 * @see {@link https://www.rfc-editor.org/rfc/rfc6570#section-2 | RFC 6570 §2}
 */
export function parseTemplateParts(template: string): readonly TemplatePart[] {
  if (template.length > MAX_TEMPLATE_LENGTH)
    throw malformedTemplate(template, MAX_TEMPLATE_LENGTH, `it is longer than ${MAX_TEMPLATE_LENGTH} characters`)
  const parts: TemplatePart[] = []
  let variables = 0
  let position = 0
  while (position < template.length) {
    const open = template.indexOf('{', position)
    const end = open === -1 ? template.length : open
    if (end > position) parts.push(parseLiteral(template, position, end))
    if (open === -1) break
    const close = template.indexOf('}', open)
    if (close === -1) throw malformedTemplate(template, open, '"{" is never closed')
    const expression = parseExpression(template, open, close)
    variables += expression.variables.length
    if (variables > MAX_TEMPLATE_VARIABLES)
      throw malformedTemplate(template, open, `there are more than ${MAX_TEMPLATE_VARIABLES} variables`)
    parts.push(expression)
    position = close + 1
  }
  return parts
}

function parseLiteral(template: string, start: number, end: number): Literal {
  const text = template.slice(start, end)
  const wrong = NOT_LITERAL.exec(text)
  if (wrong === null) return { kind: 'literal', text }
  const problem = wrong[0] === '}' ? '"}" without "{"' : `${JSON.stringify(wrong[0])} must be percent-encoded`
  throw malformedTemplate(template, start + wrong.index, problem)
}

function parseExpression(template: string, open: number, close: number): Expression {
  const first = template.charAt(open + 1)
  if (first !== '' && RESERVED_OPERATORS.includes(first))
    throw malformedTemplate(template, open + 1, `the operator "${first}" is reserved`)
  const operator = OPERATORS.includes(first) ? (first as Operator) : ''
  let position = open + 1 + operator.length
  const variables: VariableSpec[] = []
  for (const text of template.slice(position, close).split(',')) {
    variables.push(parseVariable(template, position, text))
    position += text.length + 1
  }
  return { kind: 'expression', operator, variables, position: open }
}

function parseVariable(template: string, position: number, text: string): VariableSpec {
  const explode = text.endsWith('*')
  const [name = '', prefix, ...more] = (explode ? text.slice(0, -1) : text).split(':')
  if (name === '') throw malformedTemplate(template, position, 'a variable name is missing')
  if (!NAME.test(name))
    throw malformedTemplate(
      template,
      position,
      `${JSON.stringify(name)} is no variable name: letters, digits, "_", percent-encoded characters, and "." between them`,
    )
  if (prefix === undefined) return { name, explode }
  if (explode) throw malformedTemplate(template, position, `"${name}" has both a length and "*"`)
  if (more.length > 0 || !PREFIX.test(prefix))
    throw malformedTemplate(template, position, `the length after "${name}:" is no number from 1 to 9999`)
  return { name, explode, prefix: Number(prefix) }
}
