import type { Expression, Operator, TemplatePart, VariableSpec } from './uri-template-syntax.ts'

/** Values of a template's variables. */
export type TemplateValues = Readonly<Record<string, string | readonly string[] | undefined>>

interface Style {
  readonly first: string
  readonly separator: string
  /** `name=value` instead of `value`. */
  readonly named: boolean
  /** What follows a name whose value is empty. */
  readonly ifEmpty: string
  /** Reserved characters and what is percent-encoded already stay as they are. */
  readonly keepsReserved: boolean
}

const positional = (first: string, separator: string, keepsReserved = false): Style => ({
  first,
  separator,
  named: false,
  ifEmpty: '',
  keepsReserved,
})
const named = (first: string, separator: string, ifEmpty: string): Style => ({
  first,
  separator,
  named: true,
  ifEmpty,
  keepsReserved: false,
})

/** How each operator writes its values. @see {@link https://www.rfc-editor.org/rfc/rfc6570#appendix-A | RFC 6570, Appendix A} */
export const STYLES: Readonly<Record<Operator, Style>> = {
  '': positional('', ','),
  '+': positional('', ',', true),
  '#': positional('#', ',', true),
  '.': positional('.', '.'),
  '/': positional('/', '/'),
  ';': named(';', ';', ''),
  '?': named('?', '&', '='),
  '&': named('&', '&', '='),
}

/** Percent-encodes all but unreserved characters. @throws {URIError} half a surrogate pair */
function encodeAll(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Percent-encodes what no URI may hold. @throws {URIError} half a surrogate pair */
export function encodeIllegal(text: string): string {
  return text.replace(/%[0-9A-Fa-f]{2}|[^\w\-.~:/?#[\]@!$&'()*+,;=]/gu, match =>
    match.length === 3 && match.startsWith('%') ? match : encodeURIComponent(match),
  )
}

/** The first characters of a text: whole ones, not halves of a surrogate pair. */
export function firstCharacters(text: string, count: number | undefined): string {
  return count === undefined || text.length <= count ? text : Array.from(text).slice(0, count).join('')
}

/** Writes a URI. @throws {TypeError} a value that cannot be written */
export function expandTemplate(parts: readonly TemplatePart[], values: TemplateValues): string {
  return parts
    .map(part => (part.kind === 'literal' ? encodeIllegal(part.text) : expandExpression(part, values)))
    .join('')
}

function expandExpression({ operator, variables }: Expression, values: TemplateValues): string {
  const style = STYLES[operator]
  const written = variables.flatMap(variable => {
    const value = Object.hasOwn(values, variable.name) ? values[variable.name] : undefined
    if (value === undefined) return []
    return typeof value === 'string' ? [expandText(value, variable, style)] : expandList(value, variable, style)
  })
  return written.length === 0 ? '' : style.first + written.join(style.separator)
}

function expandText(value: string, variable: VariableSpec, style: Style): string {
  return withName(encode(firstCharacters(value, variable.prefix), variable, style), variable, style)
}

function expandList(list: readonly string[], variable: VariableSpec, style: Style): readonly string[] {
  if (variable.prefix !== undefined)
    throw new TypeError(`The value of "${variable.name}" is a list, of which no prefix can be taken (RFC 6570 §2.4.1)`)
  if (list.length === 0) return []
  const encoded = list.map(value => encode(value, variable, style))
  if (!variable.explode) return [withName(encoded.join(','), variable, style)]
  return encoded.map(value => withName(value, variable, style))
}

function withName(encoded: string, { name }: VariableSpec, style: Style): string {
  if (!style.named) return encoded
  return encoded === '' ? name + style.ifEmpty : `${name}=${encoded}`
}

function encode(value: string, { name }: VariableSpec, style: Style): string {
  try {
    return style.keepsReserved ? encodeIllegal(value) : encodeAll(value)
  } catch {
    throw new TypeError(`The value of "${name}" holds half a surrogate pair, which no URI can hold`)
  }
}
