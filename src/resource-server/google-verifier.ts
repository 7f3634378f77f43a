import { isJsonObject, parseJsonObject } from '../oauth/protocol/json-object.ts'
import type { VerifierWorld } from './guarded-request.ts'
import { type IntrospectionVerifier, introspectionVerifier } from './introspection-verifier.ts'

const TOKENINFO = 'https://oauth2.googleapis.com/tokeninfo'

/**
 * Verifies access tokens of Google, which has no introspection endpoint (RFC 7662), but one that says nearly the same in other words. It needs no
 * credentials: whoever holds a token may ask about it.
 *
 * @see https://developers.google.com/identity/protocols/oauth2
 */
export function googleVerifier(world: VerifierWorld = {}): IntrospectionVerifier {
  const { fetch = globalThis.fetch } = world
  return introspectionVerifier({
    ...world,
    endpoint: TOKENINFO,
    issuer: 'https://accounts.google.com',
    clientIdClaims: ['azp'],
    client: ({ form }) => {
      form.set('access_token', form.get('token') ?? '')
      form.delete('token')
      form.delete('token_type_hint')
    },
    fetch: async (input, init) => translate(await fetch(input, init)),
  })
}

/** An answer as RFC 7662 has it. What is neither yes nor no is left as it is, and so counts as no answer. */
async function translate(response: Response): Promise<Response> {
  if (response.status !== 200 && response.status !== 400) return response
  const text = await response.text()
  const answer = parseJsonObject(text)
  const said = response.status === 400 && answer?.['error'] !== undefined ? { active: false } : active(answer)
  return said ? Response.json(said) : new Response(text, { status: response.status })
}

function active(answer: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isJsonObject(answer) || typeof answer['aud'] !== 'string') return undefined
  // Numbers come as text.
  const { aud, azp, sub, scope, exp, email } = answer
  return {
    active: true,
    token_type: 'Bearer',
    aud,
    azp,
    sub,
    scope,
    email,
    ...(exp !== undefined && { exp: Number(exp) }),
  }
}
