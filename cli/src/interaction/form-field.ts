import type { PrimitiveSchemaDefinition } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'

/** A value that a form takes. */
export type FieldValue = string | number | boolean | readonly string[]

/** One of the values a field offers. */
export interface Choice {
  readonly value: string
  readonly title: string
}

/** What the text a person typed means, or what is wrong with it. */
export type ReadField =
  | { readonly ok: true; readonly value: FieldValue }
  | { readonly ok: false; readonly wanted: string }

const YES = ['y', 'yes', 'true']
const NO = ['n', 'no', 'false']

/** JSON's own grammar, as for the arguments of tools, and a leading plus sign or point, as people type them. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** Reads the text that was typed for a field. Whether the value fits the field's bounds is for `completeForm` to say. */
export function readField(
  field: PrimitiveSchemaDefinition,
  choices: readonly Choice[] | undefined,
  text: string,
): ReadField {
  const { type } = field
  const trimmed = text.trim()
  if (type === 'boolean') {
    if (YES.includes(trimmed.toLowerCase())) return { ok: true, value: true }
    if (NO.includes(trimmed.toLowerCase())) return { ok: true, value: false }
    return { ok: false, wanted: 'y or n' }
  }
  if (type === 'number' || type === 'integer') {
    if (!NUMBER.test(trimmed)) return { ok: false, wanted: type === 'integer' ? 'a whole number' : 'a number' }
    return { ok: true, value: Number(trimmed) }
  }
  if (type === 'array') return readSeveral(choices, trimmed)
  if (choices) {
    const found = choiceOf(choices, trimmed)
    return found === undefined ? { ok: false, wanted: 'one of the choices' } : { ok: true, value: found }
  }
  return readText(field.type === 'string' && 'format' in field ? field.format : undefined, text)
}

function readSeveral(choices: readonly Choice[] | undefined, text: string): ReadField {
  const whole = choices && choiceOf(choices, text)
  if (whole !== undefined) return { ok: true, value: [whole] }
  if (text === '' || text.toLowerCase() === 'none') return { ok: true, value: [] }
  const values: string[] = []
  for (const part of text
    .split(',')
    .map(each => each.trim())
    .filter(Boolean)) {
    const found = choices ? choiceOf(choices, part) : part
    if (found === undefined)
      return {
        ok: false,
        wanted: `some of the choices, separated by commas; “${displayText(part, 60)}” is none of them`,
      }
    if (!values.includes(found)) values.push(found)
  }
  return { ok: true, value: values }
}

/** The choice that a person means: by its value or title, in any case where that is enough, or by its number. */
function choiceOf(choices: readonly Choice[], text: string): string | undefined {
  const exact = choices.find(({ value, title }) => value === text || title === text)
  if (exact) return exact.value
  const folded = text.toLowerCase()
  const close = choices.filter(({ value, title }) => value.toLowerCase() === folded || title.toLowerCase() === folded)
  if (close.length === 1) return close[0]?.value
  return areNumbered(choices) && /^\d+$/.test(text) ? choices[Number(text) - 1]?.value : undefined
}

/** Whether choices can be told by their numbers: not where they are numbers themselves. */
export function areNumbered(choices: readonly Choice[]): boolean {
  return !choices.some(({ value, title }) => /^\d+$/.test(value) || /^\d+$/.test(title))
}

function readText(format: string | undefined, text: string): ReadField {
  const isGood = format === undefined ? undefined : FORMAT_CHECKS[format]
  if (isGood === undefined) return { ok: true, value: text }
  const trimmed = text.trim()
  return isGood(trimmed) ? { ok: true, value: trimmed } : { ok: false, wanted: FORMATS[format ?? ''] ?? 'another text' }
}

const FORMAT_CHECKS: Readonly<Record<string, ((text: string) => boolean) | undefined>> = {
  email: text => /^[^\s@]+@[^\s@]+$/.test(text),
  uri: text => URL.canParse(text),
  date: isDate,
  'date-time': text =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text) && isDate(text.slice(0, 10)),
}

/** Whether there is such a day: `Date` takes 30 February for 1 March. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

const FORMATS: Readonly<Record<string, string>> = {
  email: 'an e-mail address',
  uri: 'a URI, such as https://example.com/',
  date: 'a date: YYYY-MM-DD',
  'date-time': 'a date and time: 2026-01-31T12:00:00Z',
}

/** What a field wants, in a few words: `whole number, 1 to 100`. */
export function fieldHint(field: PrimitiveSchemaDefinition): string {
  switch (field.type) {
    case 'boolean':
      return 'y or n'
    case 'number':
    case 'integer':
      return [field.type === 'integer' ? 'whole number' : 'number', range(field.minimum, field.maximum)]
        .filter(Boolean)
        .join(', ')
    case 'array':
      return ['several, separated by commas', range(field.minItems, field.maxItems)].filter(Boolean).join('; ')
    default: {
      const { format, minLength, maxLength } = field as { format?: string; minLength?: number; maxLength?: number }
      const length = range(minLength, maxLength)
      return [FORMATS[format ?? ''], length && `${length} characters`].filter(Boolean).join(', ')
    }
  }
}

function range(least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return least === most ? `exactly ${least}` : `${least} to ${most}`
  if (least !== undefined) return `at least ${least}`
  return most === undefined ? '' : `at most ${most}`
}

/** A value as a person would have typed it. */
export function valueText(value: FieldValue, choices: readonly Choice[] | undefined): string {
  const titleOf = (one: string): string => choices?.find(choice => choice.value === one)?.title ?? one
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return displayText(titleOf(value), 200)
  return value.length === 0 ? 'none' : displayText(value.map(titleOf).join(', '), 200)
}
