import { type KnownClient, type Machine, oauthError } from './authorization-state.ts'
import { findClient } from './authorize-endpoint.ts'
import type { CheckedAuthenticationMethod } from './misbehaviours.ts'

/** Who a token or revocation request says it comes from, and how it proves it. */
interface Presented {
  readonly clientId: string
  readonly secret: string | undefined
  readonly method: CheckedAuthenticationMethod
}

/**
 * Authenticates the client of a token or revocation request (RFC 6749 §2.3): exactly one method, the registered one, both halves
 * of Basic form-decoded (§2.3.1). Returns the client, or the error to answer with.
 */
export function authenticateClient(
  machine: Machine,
  issuer: string,
  headers: Headers,
  form: URLSearchParams,
): KnownClient | Response {
  const { honouredMethods, clientIdMetadataDocument } = machine.switches()
  const authorization = headers.get('authorization')
  if (authorization && form.has('client_secret'))
    return oauthError(machine, 'invalid_request', 'two client authentication methods')
  const presented =
    authorization && honouredMethods.includes('client_secret_basic') ? fromBasic(authorization) : fromBody(form)
  if (!presented) return refuse(machine, 'no client authentication', authorization !== null)

  const client = findClient(machine, issuer, presented.clientId)
  if (!client) return refuse(machine, 'unknown client', authorization !== null)
  if (clientIdMetadataDocument === 'refused-at-token' && client.clientId.startsWith('https://'))
    return refuse(machine, 'client id metadata documents are not accepted', false)
  const registered = honouredMethods.includes(client.method)
  if (registered ? presented.method !== client.method : !honouredMethods.includes(presented.method))
    return refuse(machine, `${presented.method} is not the method of this client`, authorization !== null)
  if (presented.method === 'none') return client
  if (presented.secret !== client.clientSecret) return refuse(machine, 'wrong secret', authorization !== null)
  if (client.secretExpiresAt !== undefined && client.secretExpiresAt <= machine.now())
    return refuse(machine, 'the secret has expired', authorization !== null)
  return client
}

function refuse(machine: Machine, description: string, challenged: boolean): Response {
  const response = oauthError(machine, 'invalid_client', description, 401)
  if (challenged && response.status === 401) response.headers.set('www-authenticate', 'Basic realm="token"')
  return response
}

function fromBody(form: URLSearchParams): Presented | undefined {
  const clientId = form.get('client_id')
  if (!clientId) return undefined
  const secret = form.get('client_secret') ?? undefined
  return { clientId, secret, method: secret === undefined ? 'none' : 'client_secret_post' }
}

function fromBasic(authorization: string): Presented | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = decodeBase64(encoded)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon < 0) return undefined
  return {
    clientId: formDecode(text.slice(0, colon)),
    secret: formDecode(text.slice(colon + 1)),
    method: 'client_secret_basic',
  }
}

function decodeBase64(encoded: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(encoded), character => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

function formDecode(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? ''
}
