import type { ElicitRequestFormParams, ElicitResult, PrimitiveSchemaDefinition } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import type { Style } from '../style.ts'
import { areNumbered, type Choice, fieldHint, type FieldValue, readField, valueText } from './form-field.ts'
import type { PromptLines } from './prompt-lines.ts'
import { quotedLines } from './quoted-text.ts'

/** What the library knows of forms. */
export interface FormRules {
  choicesOf(field: PrimitiveSchemaDefinition): readonly Choice[] | undefined
  /** What is wrong with a value; undefined when it fits. */
  problemOf(field: PrimitiveSchemaDefinition, value: FieldValue): string | undefined
}

/** What was typed instead of an answer. */
const DECLINE = ':decline'
/** A name for what must never be typed into a server's form. */
const SECRET = /passw|secret|token|api.?key|credential|\bpin\b|cvv|card.?number/i
const MAX_CHOICES = 200

type Fields = Record<string, FieldValue>

/**
 * Asks a person to fill in a form, field by field: Enter takes what is in brackets, Ctrl-D cancels, `:decline` says no. Whatever is
 * asked, nothing is sent before the person has looked at it and said yes.
 *
 * @param given answers from the command line, which are not asked again
 */
export async function askForm(
  form: ElicitRequestFormParams,
  context: {
    readonly lines: PromptLines
    readonly style: Style
    readonly server: string
    readonly rules: FormRules
    readonly given: Readonly<Fields>
  },
): Promise<ElicitResult> {
  const { lines, style, server, given } = context
  const fields = Object.entries(form.requestedSchema.properties)
  lines.say(`${style.cyan('?')} ${style.bold(`${server} asks:`)}`, ...quotedLines(form.message))
  if (fields.some(([name, { title = '' }]) => SECRET.test(name) || SECRET.test(title))) {
    lines.say(
      `  ${style.yellow('!')} never type a password or key here: it goes to the server, and a server must not ask for it so`,
    )
  }
  lines.say(style.dim(`  Enter takes what is in brackets · ${DECLINE} says no · Ctrl-D cancels`))
  let answers: Fields = { ...given }
  for (let pass = 1; ; pass++) {
    for (const [name, field] of fields) {
      if (pass === 1 && Object.hasOwn(given, name)) continue
      const required = form.requestedSchema.required?.includes(name) === true
      const answer = await askField(name, field, { ...context, required, before: answers[name] })
      if ('action' in answer) return answer
      const { [name]: _, ...others } = answers
      answers = answer.value === undefined ? others : { ...others, [name]: answer.value }
    }
    const verdict = await confirm(answers, fields, context)
    if (verdict === 'accept') return { action: 'accept', content: answers }
    if (verdict !== 'change') return { action: verdict }
  }
}

async function confirm(
  answers: Fields,
  fields: readonly (readonly [string, PrimitiveSchemaDefinition])[],
  { lines, style, server, rules }: Parameters<typeof askForm>[1],
): Promise<'accept' | 'change' | 'decline' | 'cancel'> {
  for (const [name, field] of fields) {
    const value = Object.hasOwn(answers, name) ? answers[name] : undefined
    const text = value === undefined ? style.dim('nothing') : valueText(value, rules.choicesOf(field))
    lines.say(`    ${displayText(field.title ?? name, 80)}: ${text}`)
  }
  // Where nothing was typed before, Enter is too easily pressed.
  const question =
    fields.length > 0 ? `Send this to ${server}? (Y, n to decline, c to change it)` : 'Do you agree? (y, n to decline)'
  const change = fields.length > 0
  for (;;) {
    const typed = await lines.ask(`  ${question} › `)
    const word = typed?.trim().toLowerCase()
    if (word === undefined) return 'cancel'
    if (word === 'y' || word === 'yes' || (change && word === '')) return 'accept'
    if (word === 'n' || word === 'no' || word === DECLINE) return 'decline'
    if (change && (word === 'c' || word === 'change')) return 'change'
  }
}

async function askField(
  name: string,
  field: PrimitiveSchemaDefinition,
  {
    lines,
    style,
    rules,
    required,
    before,
  }: Parameters<typeof askForm>[1] & { readonly required: boolean; readonly before: FieldValue | undefined },
): Promise<{ readonly action: 'cancel' | 'decline' } | { readonly value: FieldValue | undefined }> {
  const choices = rules.choicesOf(field)
  const initial = before ?? (field as { readonly default?: FieldValue }).default
  // A default of the server's that does not fit its own form is no offer.
  const offered = initial !== undefined && rules.problemOf(field, initial) === undefined ? initial : undefined
  lines.say('', ...fieldLines(name, field, choices, style, required))
  const bracket = offered === undefined ? '' : ` [${valueText(offered, choices)}]`
  for (;;) {
    const typed = await lines.ask(`  ${displayText(field.title ?? name, 80)}${bracket} › `)
    if (typed === undefined) return { action: 'cancel' }
    if (typed.trim() === DECLINE) return { action: 'decline' }
    if (typed.trim() === '') {
      if (offered !== undefined || !required) return { value: offered }
      lines.say(`  ${style.yellow('!')} this is needed; ${DECLINE} says no to the whole form`)
      continue
    }
    const answer = readField(field, choices, typed)
    const problem = answer.ok ? rules.problemOf(field, answer.value) : answer.wanted
    if (answer.ok && problem === undefined) return { value: answer.value }
    lines.say(`  ${style.yellow('!')} this should be ${problem ?? 'something else'}`)
  }
}

function fieldLines(
  name: string,
  field: PrimitiveSchemaDefinition,
  choices: readonly Choice[] | undefined,
  style: Style,
  required: boolean,
): readonly string[] {
  const title = displayText(field.title ?? name, 80)
  const facts = [
    field.title === undefined || field.title === name ? '' : displayText(name, 80),
    fieldHint(field),
    required ? '' : 'optional',
  ]
  const hint = facts.filter(Boolean).join(' · ')
  const shown = (choices ?? []).slice(0, MAX_CHOICES)
  const numbered = areNumbered(choices ?? [])
  return [
    `  ${style.bold(title)}${hint === '' ? '' : ` ${style.dim(`(${hint})`)}`}`,
    ...(field.description === undefined ? [] : quotedLines(field.description)),
    ...shown.map(({ value, title: choice }, index) => {
      const mark = numbered ? String(index + 1).padStart(String(shown.length).length + 2) : '   -'
      return `  ${mark} ${displayText(choice, 120)}${choice === value ? '' : style.dim(` (${displayText(value, 80)})`)}`
    }),
    ...((choices ?? []).length > MAX_CHOICES ? ['     …'] : []),
  ]
}
