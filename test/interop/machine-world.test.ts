import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { expect, it } from 'vitest'
import { JWT_BEARER } from './machine-assertions.ts'
import { CLIENTS, keyClientId, SIGNING_ALGORITHMS, signingKey } from './machine-clients.ts'
import { type MachineWorld, startMachineWorld } from './machine-world.ts'

// The judges of the other tests: they would prove nothing if these servers accepted everything.

const insecure = { [oauth.allowInsecureRequests]: true }
const BASIC = CLIENTS.basic
const basicSecret = oauth.ClientSecretBasic(BASIC.clientSecret)

async function clientCredentials(
  world: MachineWorld,
  authentication: oauth.ClientAuth,
  { clientId = BASIC.clientId, DPoP }: { clientId?: string; DPoP?: oauth.DPoPHandle } = {},
): Promise<string> {
  const issuer = new URL(world.issuer)
  const client = { client_id: clientId }
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const parameters = { scope: 'notes:read', resource: world.mcpUrl }
  const options = { ...insecure, ...(DPoP && { DPoP }) }
  const ask = async () => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options)
    return (await oauth.processClientCredentialsResponse(server, client, response)).access_token
  }
  return ask().catch((error: unknown) => {
    if (oauth.isDPoPNonceError(error)) return ask()
    throw error
  })
}

/** Status and DPoP or bearer error of a tool call. */
async function call(world: MachineWorld, authorization: string, proof?: string, name = 'list_notes') {
  const response = await fetch(world.mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization,
      ...(proof !== undefined && { dpop: proof }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { text: 'x' } } }),
  })
  await response.body?.cancel()
  const error = /error="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1]
  return { status: response.status, error, nonce: response.headers.get('dpop-nonce') ?? undefined }
}

async function hash(token: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))).toString('base64url')
}

it('each kind of client authentication is checked: the right secret or key is accepted, another is not', async () => {
  await using world = await startMachineWorld()
  for (const algorithm of SIGNING_ALGORITHMS) {
    const { privateJwk } = await signingKey(algorithm)
    const key = (await importJWK(privateJwk, algorithm)) as CryptoKey
    const kid = String(privateJwk.kid)
    const clientId = keyClientId(algorithm)
    const token = await clientCredentials(world, oauth.PrivateKeyJwt({ key, kid }), { clientId })
    expect(await call(world, `Bearer ${token}`)).toMatchObject({ status: 200 })
    const foreign = (await generateKeyPair(algorithm)).privateKey
    const refused = clientCredentials(world, oauth.PrivateKeyJwt({ key: foreign, kid }), { clientId })
    await expect(refused).rejects.toThrow()
  }
  await expect(clientCredentials(world, oauth.ClientSecretBasic('wrong'))).rejects.toThrow()
  const token = await clientCredentials(world, basicSecret)
  expect(await call(world, `Bearer ${token}`)).toMatchObject({ status: 200 })
  expect(await call(world, `Bearer ${token}`, undefined, 'add_note')).toMatchObject({
    status: 403,
    error: 'insufficient_scope',
  })
})

it('a bound token needs its own proof, fresh, for this token, with this nonce', async () => {
  await using world = await startMachineWorld({ dpop: 'nonces', notesDpop: 'required', notesNonces: true })
  const keys = await generateKeyPair('ES256', { extractable: true })
  const publicJwk = await exportJWK(keys.publicKey)
  const token = await clientCredentials(world, basicSecret, { DPoP: oauth.DPoP({}, keys) })
  const prove = async (changes: Record<string, string> = {}, key = keys.privateKey, jwk = publicJwk) =>
    new SignJWT({ htm: 'POST', htu: world.mcpUrl, jti: crypto.randomUUID(), ath: await hash(token), ...changes })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(key)

  expect(await call(world, `Bearer ${token}`)).toMatchObject({ status: 401, error: 'invalid_token' })
  const asked = await call(world, `DPoP ${token}`, await prove())
  expect(asked).toMatchObject({ status: 401, error: 'use_dpop_nonce', nonce: expect.any(String) as string })
  const nonce = String(asked.nonce)
  const proof = await prove({ nonce })
  expect(await call(world, `DPoP ${token}`, proof)).toMatchObject({ status: 200 })
  expect(await call(world, `DPoP ${token}`, proof)).toMatchObject({ status: 401, error: 'invalid_dpop_proof' })
  for (const wrong of [{ htm: 'GET' }, { htu: world.issuer }, { ath: await hash('another token') }]) {
    expect(await call(world, `DPoP ${token}`, await prove({ nonce, ...wrong }))).toMatchObject({ status: 401 })
  }
  const stolen = await generateKeyPair('ES256', { extractable: true })
  const thief = await prove({ nonce }, stolen.privateKey, await exportJWK(stolen.publicKey))
  expect(await call(world, `DPoP ${token}`, thief)).toMatchObject({ status: 401, error: 'invalid_token' })
  world.notes.rotateNonce()
  expect(await call(world, `DPoP ${token}`, await prove({ nonce }))).toMatchObject({ error: 'use_dpop_nonce' })
})

it('an assertion is good once, here, and from the one who may make it', async () => {
  await using world = await startMachineWorld()
  const redeem = async (assertion: string) => {
    const form = { grant_type: JWT_BEARER, assertion, resource: world.mcpUrl, scope: 'notes:read' }
    const response = await fetch(`${world.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) })
    return { status: response.status, ...((await response.json()) as { access_token?: string; error?: string }) }
  }
  const assertion = await world.workloadToken()
  const { access_token: token } = await redeem(assertion)
  expect(await call(world, `Bearer ${token}`)).toMatchObject({ status: 200 })
  expect(await redeem(assertion)).toMatchObject({ status: 400, error: 'invalid_grant' })
  for (const wrong of [{ aud: world.mcpUrl }, { iss: 'https://elsewhere.example' }]) {
    expect(await redeem(await world.workloadToken(wrong))).toMatchObject({ status: 400, error: 'invalid_grant' })
  }
})
