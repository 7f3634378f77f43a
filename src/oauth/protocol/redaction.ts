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

/** The values in a request's form, and the credentials in its header, that {@link redactSecrets} should look for. */
export function secretsIn(form: URLSearchParams, headers: Headers): readonly string[] {
  const credentials = headers.get('authorization')?.replace(/^\S+\s+/u, '')
  return [...SECRET_PARAMETERS.flatMap(name => form.getAll(name)), ...(credentials === undefined ? [] : [credentials])]
}

/**
 * `text` without the secrets that were sent to whoever wrote it: servers repeat them ("Invalid refresh token: …"), and error texts end
 * up in logs. Finds them as they are and percent-encoded. To be applied before the text is cut, or a part would stay.
 */
export function redactSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  let clean = text
  for (const secret of secrets) {
    if (secret === undefined || secret.length < SHORTEST_SECRET) continue
    for (const form of [secret, encodeURIComponent(secret)]) clean = clean.replaceAll(form, '[redacted]')
  }
  return clean
}
