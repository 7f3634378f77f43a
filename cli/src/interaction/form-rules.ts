import type { FormRules } from './form-prompt.ts'

/** The library's rules for forms. */
export async function formRules(): Promise<FormRules> {
  const { choicesOf, completeForm } = await import('latchkey/client')
  return {
    choicesOf,
    problemOf(field, value) {
      try {
        completeForm({ type: 'object', properties: { value: field } }, { value })
        return undefined
      } catch (error) {
        const message = error instanceof Error ? error.message : ''
        return /should be (.*)$/s.exec(message)?.[1] ?? 'something else'
      }
    },
  }
}
