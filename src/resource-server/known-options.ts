import { displayText } from '../oauth/protocol/display-text.ts'
import { findOther, type OptionNames } from '../server/given-options.ts'
import { configurationError } from './configuration-error.ts'

/**
 * Refuses options that do not exist: a misspelt `audience` or `required` would otherwise quietly become another rule (field V13).
 *
 * @throws {TokenError} `configuration`
 */
export function assertKnownOptions<Options extends object>(options: Options, names: OptionNames<Options>): void {
  const unknown = findOther(options, names)
  if (unknown === undefined) return
  throw configurationError(`There is no option ${displayText(unknown, 80)}.`, {
    expected: Object.keys(names).join(' '),
    received: displayText(unknown, 80),
  })
}
