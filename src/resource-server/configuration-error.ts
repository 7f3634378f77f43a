import { TokenError } from './token-error.ts'

/** An option that cannot be used, found before any request. */
export function configurationError(
  message: string,
  detail: { readonly expected?: string; readonly received?: string; readonly hint?: string } = {},
): TokenError {
  return new TokenError('configuration', message, { step: 'configuration', ...detail })
}
