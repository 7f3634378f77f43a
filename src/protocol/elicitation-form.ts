import { isObject } from '../jsonrpc/message.ts'
import type { ElicitRequestFormParams, ElicitResult, PrimitiveSchemaDefinition } from './elicitation.ts'

type FormSchema = ElicitRequestFormParams['requestedSchema']
type FormContent = NonNullable<ElicitResult['content']>

/** A form that is complete, or the first member that does not fit it. */
export type FilledForm =
  | { readonly ok: true; readonly content: FormContent }
  | { readonly ok: false; readonly name: string; readonly expected: string; readonly received: string }

/** The content of an accepted form: the form's defaults where the answer leaves a member out, checked against the form. */
export function fillForm(schema: FormSchema, content: FormContent = {}): FilledForm {
  const completed: Record<string, FormContent[string]> = { ...content }
  for (const [name, field] of Object.entries(schema.properties)) {
    const { default: initial } = field as { readonly default?: FormContent[string] | null }
    // A default that does not fit its own field is the server's mistake, and no answer of anybody.
    const isUsable = initial !== undefined && initial !== null && expectation(field, initial) === undefined
    if (isUsable && !Object.hasOwn(content, name)) completed[name] = initial
  }
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(completed, name)) return { ok: false, name, expected: 'a value', received: 'nothing' }
  for (const [name, value] of Object.entries(completed)) {
    const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    const expected = field ? expectation(field, value) : 'left out, for the form does not ask for it'
    if (expected !== undefined) return { ok: false, name, expected, received: typeof value }
  }
  return { ok: true, content: completed }
}

/** What a field wants instead of `value`; undefined when it fits. A type that is not known lets everything pass. */
export function expectation(field: PrimitiveSchemaDefinition, value: unknown): string | undefined {
  const { type } = field
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : 'true or false'
  if (type === 'number' || type === 'integer') {
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'a number'
    if (type === 'integer' && !Number.isInteger(value)) return 'a whole number'
    if (field.minimum !== undefined && value < field.minimum) return `at least ${field.minimum}`
    return field.maximum !== undefined && value > field.maximum ? `at most ${field.maximum}` : undefined
  }
  const choices = choicesOf(field)?.map(({ value: choice }) => choice)
  if (type === 'array') {
    if (!Array.isArray(value)) return 'a list'
    if (choices && !value.every(each => choices.includes(each as string))) return `some of ${choices.join(', ')}`
    if (field.minItems !== undefined && value.length < field.minItems) return `at least ${field.minItems} items`
    return field.maxItems !== undefined && value.length > field.maxItems ? `at most ${field.maxItems} items` : undefined
  }
  if (type !== 'string') return undefined
  if (typeof value !== 'string') return 'a text'
  if (choices) return choices.includes(value) ? undefined : `one of ${choices.join(', ')}`
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = field as { minLength?: number; maxLength?: number }
  const length = Array.from(value).length
  if (length < minLength) return `at least ${minLength} characters`
  return length > maxLength ? `at most ${maxLength} characters` : undefined
}

/** The values that a field offers, each with its title; undefined for a field without a choice. */
export function choicesOf(
  field: PrimitiveSchemaDefinition,
): readonly { readonly value: string; readonly title: string }[] | undefined {
  const source: unknown = field.type === 'array' ? field.items : field
  if (!isObject(source)) return undefined
  const { enum: values, enumNames, oneOf, anyOf } = source as ChoiceSource
  const options: ChoiceSource['oneOf'] = [oneOf, anyOf].find(Array.isArray)
  const titled = options?.filter(isObject)
  if (titled && titled.length > 0) return titled.map(({ const: value, title = value }) => ({ value, title }))
  if (!Array.isArray(values)) return undefined
  return values.map((value, index) => ({ value, title: enumNames?.[index] ?? value }))
}

/** The ways in which revisions have written a choice. */
interface ChoiceSource {
  readonly enum?: readonly string[]
  readonly enumNames?: readonly string[]
  readonly oneOf?: readonly { readonly const: string; readonly title?: string }[]
  readonly anyOf?: readonly { readonly const: string; readonly title?: string }[]
}
