import type { PromptArgument } from 'latchkey/client'
import { toolArguments } from './tool-arguments.ts'

/**
 * Builds a prompt's arguments, which are texts, from `name=value` words.
 *
 * @throws {UsageError} as {@link toolArguments}
 */
export function promptArguments(
  words: readonly string[],
  listed: readonly PromptArgument[],
): Record<string, string> | undefined {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(listed.map(({ name }) => [name, { type: 'string' }])),
    required: listed.filter(({ required }) => required === true).map(({ name }) => name),
  }
  const given = toolArguments(words, undefined, schema, 'prompt') as Record<string, string>
  return Object.keys(given).length === 0 ? undefined : given
}
