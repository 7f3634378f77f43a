/** Shorter values are no secrets, and replacing them would garble the text. */
const SHORTEST_SECRET = 6

/** Parameters of a token or revocation request whose values nobody else may see. */
const SECRET_PARAMETERS = [
  'code',
  'code_verifier',
  'refresh_token',
  'client_secret',
  'client_assertion',
  'assertion',
  'subject_token',
  'device_code',
  'token',
]

/** The values in a request's form, and the credentials and the proof in its headers, that {@link redactSecrets} should look for. */
export function secretsIn(form: URLSearchParams, headers: Headers): readonly string[] {
  const credentials = headers.get('authorization')?.replace(/^\S+\s+/u, '')
  const inHeaders = [credentials, headers.get('dpop') ?? undefined].filter(value => value !== undefined)
  return [...SECRET_PARAMETERS.flatMap(name => form.getAll(name)), ...inHeaders]
}

/**
 * `text` without the secrets that were sent to whoever wrote it: servers repeat them ("Invalid refresh token: …"), and error texts end
 * up in logs. Finds them as they are, percent-encoded and form-encoded. To be applied before the text is cut, or a part would stay.
 */
export function redactSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  const forms = new Set(secrets.flatMap(secret => (isSecret(secret) ? formsOf(secret) : [])))
  let clean = text
  // The longest first: of a secret that begins with another one the rest would stay.
  for (const form of [...forms].sort((one, other) => other.length - one.length)) {
    clean = clean.replaceAll(form, '[redacted]')
  }
  return clean
}

function isSecret(value: string | undefined): value is string {
  return value !== undefined && value.length >= SHORTEST_SECRET
}

function formsOf(secret: string): readonly string[] {
  const formEncoded = new URLSearchParams([['', secret]]).toString().slice(1)
  // What encodeURIComponent leaves alone, and cannot fail on half a surrogate pair.
  const percentEncoded = formEncoded
    .replaceAll('+', '%20')
    .replaceAll(/%(21|27|28|29|7E)/gu, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return [secret, formEncoded, percentEncoded, formEncoded.replaceAll('+', '%20')]
}
