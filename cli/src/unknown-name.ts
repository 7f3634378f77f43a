import { displayText } from 'latchkey/oauth/protocol'
import { type ServerTarget, targetWords } from './server-target.ts'
import { closestNames } from './suggestion.ts'
import { UsageError } from './usage-error.ts'

/** Refuses a name that the server did not list. @throws {UsageError} always, with what was meant perhaps and how to list them */
export function unknownName(
  what: 'tool' | 'prompt',
  typed: string,
  listed: readonly { readonly name: string }[],
  command: string,
  target: ServerTarget,
): never {
  const close = closestNames(
    typed,
    listed.map(({ name }) => name),
  ).map(name => `“${displayText(name)}”`)
  const suggestion = close.length === 0 ? '' : `; did you mean ${close.join(' or ')}?`
  throw new UsageError(
    `this server has no ${what} “${displayText(typed, 100)}”${suggestion}`,
    `${command} ${targetWords(target)}`,
  )
}
