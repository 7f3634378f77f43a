import type { ClientIdentity } from './client-identity.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { OAuthError } from './errors.ts'
import { createClientAssertion } from './protocol/client-assertion.ts'
import { applyClientAuthentication } from './protocol/client-authentication.ts'
import { createDpopProof, type DpopJwk } from './protocol/dpop.ts'
import type { HttpAnswer } from './protocol/http-answer.ts'
import { parseJsonObject, stringListMember, stringMember } from './protocol/json-object.ts'
import { secretsIn } from './protocol/redaction.ts'
import { nameResourceParameter } from './resource-parameter.ts'
import type { SessionContext } from './session-context.ts'
import { waitFor } from './single-flight.ts'

/** A form that is sent as the client. */
export interface ClientRequest {
  /** The step in words, for errors and events. */
  readonly step: string
  readonly url: string
  readonly form: URLSearchParams
  /** Proves the possession of this key, too. */
  readonly dpopJwk?: DpopJwk | undefined
  /** Ends the request; a redemption passes none (R-TOKEN-3). */
  readonly signal?: AbortSignal | undefined
}

/** The answer, and what was sent and must not be shown; the answer's readers know it, too. */
export interface ClientAnswer {
  readonly answer: HttpAnswer
  readonly secrets: readonly string[]
}

/**
 * Sends a form to an endpoint of the authorization server, authenticated as the client: one code path for tokens, pushed and device
 * authorization requests, and revocation (R-TOKEN-2). A demand for a DPoP nonce is met once, with a new proof and a new assertion (R-DPOP-1).
 *
 * @throws {OAuthError} `configuration`, `timeout` for a signer that does not answer, and what the request throws
 */
export async function sendAsClient(
  context: SessionContext,
  target: Pick<AuthorizationTarget, 'authorizationServer' | 'exception'>,
  client: ClientIdentity,
  request: ClientRequest,
): Promise<ClientAnswer> {
  const used = context.nonces.get('authorization server', request.url)
  const first = await send(context, target, client, { ...request, nonce: used })
  const nonce = context.nonces.note('authorization server', request.url, first.answer.headers)
  if (!request.dpopJwk || nonce === undefined || nonce === used || !wantsNonce(first.answer)) return first
  // The nonce that was told for this request, whatever another one was told since.
  const second = await send(context, target, client, { ...request, nonce })
  context.nonces.note('authorization server', request.url, second.answer.headers)
  return second
}

function wantsNonce({ status, body }: HttpAnswer): boolean {
  return status >= 400 && status < 500 && stringMember(parseJsonObject(body) ?? {}, 'error') === 'use_dpop_nonce'
}

async function send(
  context: SessionContext,
  target: Pick<AuthorizationTarget, 'authorizationServer' | 'exception'>,
  client: ClientIdentity,
  { step, url, form, dpopJwk, signal, nonce }: ClientRequest & { readonly nonce: string | undefined },
): Promise<ClientAnswer> {
  const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' })
  const body = new URLSearchParams(form)
  nameResourceParameter(body, target)
  if (client.kind !== 'anonymous') {
    const signing = assertionOf(context, target, client)
    const clientAssertion = signing && (await withinTime(context, signing, signal))
    applyClientAuthentication({ ...client, ...(clientAssertion !== undefined && { clientAssertion }) }, headers, body)
    // A pushed request names the client as a parameter of its own, whatever the authentication (RFC 9126 §2.1).
    if (form.has('client_id')) body.set('client_id', client.clientId)
  }
  if (dpopJwk) {
    const { now, randomBytes } = context
    const key = await context.dpopKeys.ready(dpopJwk)
    headers.set('dpop', await createDpopProof(key, { method: 'POST', url, nonce, now: now(), randomBytes }))
  }
  const sent = { step, method: 'POST', url, headers, body: body.toString(), ...(signal && { signal }) } as const
  const answer = await context.request(sent)
  const secrets = [...secretsIn(body, headers), ...(client.clientSecret === undefined ? [] : [client.clientSecret])]
  return { answer: { ...answer, secrets }, secrets }
}

/** Waits as long as for a server: who signs may sit behind a network, and a lock is held meanwhile. */
async function withinTime<T>(
  { policy }: SessionContext,
  assertion: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(signerTimeout(policy.timeoutMs)), policy.timeoutMs)
  })
  try {
    return await waitFor(Promise.race([assertion, late]), signal)
  } finally {
    clearTimeout(timer)
  }
}

function signerTimeout(timeoutMs: number): OAuthError {
  return new OAuthError('timeout', `The signer of the private key did not answer within ${timeoutMs / 1000} s.`, {
    step: 'client authentication',
    hint: 'Whatever keeps the key may be slow or unreachable; try again later.',
  })
}

function assertionOf(
  { now, randomBytes }: SessionContext,
  { authorizationServer }: Pick<AuthorizationTarget, 'authorizationServer'>,
  { clientId, privateKey, tokenEndpointAuthMethod }: ClientIdentity,
): Promise<string> | undefined {
  if (tokenEndpointAuthMethod !== 'private_key_jwt' || !privateKey) return undefined
  return createClientAssertion({
    clientId,
    key: privateKey,
    audience: privateKey.audience ?? authorizationServer.issuer,
    acceptedAlgorithms: stringListMember(authorizationServer.raw, 'token_endpoint_auth_signing_alg_values_supported'),
    ...(privateKey.lifetimeSeconds !== undefined && { lifetimeSeconds: privateKey.lifetimeSeconds }),
    now: now(),
    randomBytes,
  })
}
