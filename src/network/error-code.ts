/** An error in a chain that has a code. */
export interface CodedError {
  /** As the runtime writes it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly code: string
  readonly error: object
}

/** Deep enough for any runtime; a chain may be a ring. */
const MAX_DEPTH = 5
const MAX_SIBLINGS = 5

/** Codes are constants of the runtime. Whatever looks different may quote a request, and is passed by. */
const CODE = /^[A-Z0-9_/]{3,60}$/u

/**
 * The first error with a code in a chain of causes, `AggregateError`s included: `fetch` itself says only that it failed. Undefined where
 * there is none, as in browsers, which do not tell.
 */
export function findCodedError(error: unknown, depth = 0): CodedError | undefined {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return undefined
  if ('code' in error && typeof error.code === 'string' && CODE.test(error.code)) return { code: error.code, error }
  const siblings: readonly unknown[] =
    'errors' in error && Array.isArray(error.errors) ? error.errors.slice(0, MAX_SIBLINGS) : []
  for (const inner of ['cause' in error ? error.cause : undefined, ...siblings]) {
    const found = findCodedError(inner, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
