/** One thing that an authorization server may refuse a client-id metadata document for. */
export interface ClientIdMetadataFinding {
  /** `error`: it is, or may well be, refused. `warning`: some servers refuse it, or people pay for it later. */
  readonly severity: 'error' | 'warning'
  /** What it is about: `url`, `answer`, `document`, or the name of a member. */
  readonly about: string
  /** What was found. */
  readonly message: string
  /** What to do. */
  readonly hint: string
}

/** A finding for which the document is refused. */
export function error(about: string, message: string, hint: string): ClientIdMetadataFinding {
  return { severity: 'error', about, message, hint }
}

/** A finding that some servers mind. */
export function warning(about: string, message: string, hint: string): ClientIdMetadataFinding {
  return { severity: 'warning', about, message, hint }
}
