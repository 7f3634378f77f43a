import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createLocalJWKSet, createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import type { Provider, TrustedIssuers } from './machine-authorization-server.ts'
import { CLIENTS } from './machine-clients.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'

type Handler = Parameters<Provider['registerGrantType']>[1]
type Context = Parameters<Handler>[0]

/** What the provider's own grants are made of; a grant of ours uses the same, so that the provider judges proofs and resources. */
interface GrantParts {
  validateDpop(provider: Provider, context: Context): Promise<{ thumbprint: string } | undefined>
  checkDpopReplay(provider: Provider, context: Context, proof: object | undefined, client: string): Promise<void>
  resolveRequestedResources(provider: Provider, context: Context): Promise<readonly { scope: string }[]>
  buildTokenResponse(provider: Provider, answer: object): object
}

/** Errors that the provider turns into answers, by its own names for them. */
type OAuthErrors = Readonly<Record<'InvalidGrant' | 'InvalidTarget' | 'InvalidRequest', new (reason: string) => Error>>

const folder = dirname(createRequire(import.meta.url).resolve('oidc-provider'))
const part = async <Part>(file: string): Promise<Part> => (await import(join(folder, file))) as Part

interface AcceptedAssertion {
  readonly subject: string
  readonly resource?: string
  /** No more than this may be granted; absent: whatever the resource has. */
  readonly scope?: string
}

/**
 * Teaches the authorization server the JWT bearer grant (RFC 7523 §2.1): workload tokens of the platform without client
 * authentication, and identity assertions (ID-JAG) from the client they were issued to.
 */
export async function acceptAssertions(provider: Provider, trusted: TrustedIssuers): Promise<void> {
  const parts = await part<GrantParts>('helpers/grants.js')
  const errors = await part<OAuthErrors>('helpers/errors.js')
  const platformKeys = createLocalJWKSet(trusted.platform.jwks as Parameters<typeof createLocalJWKSet>[0])
  const identityProviderKeys = createRemoteJWKSet(new URL(trusted.identityProvider.jwksUri))

  const handler: Handler = async context => {
    const proof = await parts.validateDpop(provider, context)
    const { client, params } = context.oidc
    const assertion = String(params['assertion'])
    const accepted =
      client.clientId === CLIENTS.workload.clientId
        ? await verified(assertion, platformKeys, { issuer: trusted.platform.issuer })
        : await verified(assertion, identityProviderKeys, {
            issuer: trusted.identityProvider.issuer,
            typ: 'oauth-id-jag+jwt',
            clientId: client.clientId,
          })
    if (accepted.resource !== undefined) {
      if (params.resource !== undefined && params.resource !== accepted.resource) {
        throw new errors.InvalidTarget('the assertion is for another resource')
      }
      params.resource = accepted.resource
    }
    const [resourceServer] = await parts.resolveRequestedResources(provider, context)
    if (!resourceServer) throw new errors.InvalidTarget('a resource is needed')
    const allowed = new Set((accepted.scope ?? resourceServer.scope).split(' '))
    const asked = (params.scope ?? accepted.scope ?? '').split(' ')
    const scope = asked.filter(name => allowed.has(name) && resourceServer.scope.split(' ').includes(name)).join(' ')
    const token = new provider.AccessToken({ accountId: accepted.subject, client, gty: 'jwt_bearer' } as never)
    Object.assign(token, { resourceServer, scope })
    if (proof) {
      await parts.checkDpopReplay(provider, context, proof, client.clientId)
      Object.assign(token, { jkt: proof.thumbprint })
    }
    context.oidc.entity('AccessToken', token)
    const accessToken = await token.save()
    const { expiration: expiresIn, tokenType } = token
    context.body = parts.buildTokenResponse(provider, { accessToken, expiresIn, scope: scope || undefined, tokenType })
  }

  async function verified(
    assertion: string,
    keys: JWTVerifyGetKey,
    expected: { issuer: string; typ?: string; clientId?: string },
  ): Promise<AcceptedAssertion> {
    const { issuer, typ, clientId } = expected
    const rules = { issuer, audience: provider.issuer, requiredClaims: ['exp', 'jti', 'sub'], ...(typ && { typ }) }
    const { payload } = await jwtVerify(assertion, keys, rules).catch((error: Error) => {
      throw new errors.InvalidGrant(error.message)
    })
    if (clientId !== undefined && payload['client_id'] !== clientId) {
      throw new errors.InvalidGrant('the assertion was issued to another client')
    }
    if (clientId !== undefined && typeof payload['resource'] !== 'string') {
      throw new errors.InvalidGrant('the assertion names no resource')
    }
    const unique = await provider.ReplayDetection.unique(issuer, payload.jti as string, payload.exp as number)
    if (!unique) throw new errors.InvalidGrant('the assertion was used before')
    return {
      subject: payload.sub as string,
      ...(typeof payload['resource'] === 'string' && { resource: payload['resource'] }),
      ...(typeof payload['scope'] === 'string' && { scope: payload['scope'] }),
    }
  }

  provider.registerGrantType(JWT_BEARER, handler, ['assertion', 'scope', 'resource'], ['resource'])
}

export interface IdentityAssertionPolicy {
  /** The client that each authorization server knows the application as. */
  readonly clientIds: ReadonlyMap<string, string>
  /** Whether an ID token, good otherwise, is not taken: for a person whose session was ended. */
  readonly refuses?: (idToken: string) => boolean
  /** Changes what is put into an assertion: for identity providers that are wrong. */
  readonly claims?: (claims: JWTPayload) => JWTPayload
  /** Changes the answer around it. */
  readonly answer?: (answer: Readonly<Record<string, unknown>>) => object
}

/** Teaches the identity provider to exchange an ID token for an identity assertion (RFC 8693, `urn:ietf:params:oauth:token-type:id-jag`). */
export async function exchangeIdentityAssertions(
  provider: Provider,
  key: CryptoKey,
  policy: () => IdentityAssertionPolicy,
): Promise<void> {
  const errors = await part<OAuthErrors>('helpers/errors.js')
  const handler: Handler = async context => {
    const { client, params } = context.oidc
    const { requested_token_type: wanted, subject_token_type: held, subject_token: subjectToken, audience } = params
    if (wanted !== ID_JAG) throw new errors.InvalidRequest('only identity assertions are issued')
    if (held !== ID_TOKEN) throw new errors.InvalidRequest('only ID tokens are exchanged')
    const keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`))
    const { payload: person } = await jwtVerify(String(subjectToken), keys, {
      issuer: provider.issuer,
      audience: client.clientId,
    }).catch((error: Error) => {
      throw new errors.InvalidRequest(error.message)
    })
    if (policy().refuses?.(String(subjectToken))) throw new errors.InvalidRequest('the session has ended')
    const clientId = policy().clientIds.get(String(audience))
    if (clientId === undefined) throw new errors.InvalidTarget('the application may not be used with this audience')
    if (typeof params.resource !== 'string') throw new errors.InvalidTarget('a resource is needed')
    const { scope, resource } = params
    const claims = { iss: provider.issuer, sub: person.sub, aud: audience, client_id: clientId, resource, scope }
    const { claims: changed = same => same, answer = same => same } = policy()
    const assertion = await new SignJWT(changed(claims as JWTPayload))
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'identity' })
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(key)
    context.body = answer({
      issued_token_type: ID_JAG,
      access_token: assertion,
      token_type: 'N_A',
      expires_in: 300,
      ...(scope && { scope }),
    })
  }
  const names = ['audience', 'resource', 'scope', 'requested_token_type', 'subject_token', 'subject_token_type']
  provider.registerGrantType(TOKEN_EXCHANGE, handler, names)
}
