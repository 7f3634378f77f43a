import type { ElicitRequestFormParams, PrimitiveSchemaDefinition } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import { UsageError } from '../usage-error.ts'
import type { FormRules } from './form-prompt.ts'
import { fieldHint, type FieldValue, readField } from './form-field.ts'

type Form = ElicitRequestFormParams['requestedSchema']

/** The answers of `--answer`, each good for one question. */
export interface GivenAnswers {
  /**
   * Takes out the answers to a form's fields.
   *
   * @throws {UsageError} an answer that does not fit its field
   */
  take(form: Form, rules: FormRules): Record<string, FieldValue>
}

/** Reads `--answer name=value`. @throws {UsageError} a malformed or repeated one */
export function readAnswers(words: readonly string[]): GivenAnswers {
  const left = new Map<string, string>()
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals < 1) throw new UsageError('--answer takes the name of a field and its value', '--answer name=value')
    const name = word.slice(0, equals)
    if (left.has(name)) throw new UsageError(`--answer ${displayText(name, 80)} is given twice`)
    left.set(name, word.slice(equals + 1))
  }
  return {
    take(form, rules) {
      const taken: Record<string, FieldValue> = {}
      for (const [name, field] of Object.entries(form.properties)) {
        const text = left.get(name)
        if (text === undefined) continue
        left.delete(name)
        const answer = readField(field, rules.choicesOf(field), text)
        const problem = answer.ok ? rules.problemOf(field, answer.value) : answer.wanted
        if (!answer.ok || problem !== undefined) {
          throw new UsageError(`--answer ${displayText(name, 80)} should be ${problem ?? 'something else'}`)
        }
        taken[name] = answer.value
      }
      return taken
    },
  }
}

/** Whether nothing that is needed is missing, and somebody has answered at all: defaults alone are nobody's word. */
export function isAnswered(form: Form, given: Readonly<Record<string, FieldValue>>): boolean {
  const missing = (form.required ?? []).filter(
    name => !Object.hasOwn(given, name) && !hasDefault(form.properties[name]),
  )
  return Object.keys(given).length > 0 && missing.length === 0
}

/** The options that answer a form: `--answer name=<text>`; optional ones in brackets. */
export function answerSynopsis(form: Form, rules: FormRules): string {
  const options = Object.entries(form.properties)
    .slice(0, 30)
    .map(([name, field]) => {
      const choices = rules.choicesOf(field)?.map(({ value }) => value)
      const what = choices ? choices.slice(0, 12).join('|') : fieldHint(field) || 'text'
      const option = `--answer ${displayText(name, 80)}=<${displayText(what, 120)}>`
      return form.required?.includes(name) === true && !hasDefault(field) ? option : `[${option}]`
    })
  return options.join(' ')
}

function hasDefault(field: PrimitiveSchemaDefinition | undefined): boolean {
  return field !== undefined && 'default' in field && field.default !== undefined
}
