import { UsageError } from './usage-error.ts'
import type { Io } from './io.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Reads `--header NAME=ENVVAR` options into headers whose values come from the environment, so that no secret appears in a
 * process list or shell history.
 *
 * @throws {UsageError} malformed option, or the variable is unset or holds characters a header cannot carry; never names a value
 */
export function readHeaderOptions(options: readonly string[], env: Io['env']): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const option of options) {
    const equals = option.indexOf('=')
    const name = option.slice(0, Math.max(0, equals)).trim()
    const variable = option.slice(equals + 1).trim()
    if (equals < 1 || !TOKEN.test(name) || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
      throw new UsageError(
        '--header takes a header name and the name of an environment variable that holds its value',
        '--header X-Api-Key=MY_API_KEY',
      )
    }
    const value = env[variable]
    if (value === undefined || value.trim() === '') {
      throw new UsageError(`--header ${name}: the environment variable ${variable} is not set`, `export ${variable}=…`)
    }
    if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value.trim())) {
      throw new UsageError(`--header ${name}: the value of ${variable} holds characters that a header cannot carry`)
    }
    headers[name.toLowerCase()] = value.trim()
  }
  return headers
}

/** Whether `--header` sets `Authorization`: then OAuth stays out of the way. */
export function setsAuthorization(options: readonly string[]): boolean {
  return options.some(option => /^\s*authorization\s*=/i.test(option))
}

/**
 * For the commands that are about an OAuth login.
 *
 * @throws {UsageError} when `--header` sets `Authorization`
 */
export function refuseAuthorizationHeader(options: readonly string[]): void {
  if (!setsAuthorization(options)) return
  throw new UsageError(
    '--header sets Authorization, so OAuth stays out of the way: there is no login to work with',
    'leave out the header to log in',
  )
}
