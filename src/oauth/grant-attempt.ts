import { beginPendingLogin } from './begin-login.ts'
import { identifyClient, preRegisteredIdentity, type ClientIdentity } from './client-identity.ts'
import { sendAsClient, type ClientAnswer } from './client-request.ts'
import { storeLogin } from './completed-login.ts'
import type { AuthorizationTarget } from './discovery.ts'
import { dpopKeyForLogin } from './dpop-key.ts'
import { OAuthError } from './errors.ts'
import { finishPendingLogin, forgetPendingLogin } from './finish-login.ts'
import type { ElsewhereRequest, GrantContext } from './grant-strategy.ts'
import { storeFirstRegistration } from './login-registration.ts'
import { learnFromRefusal } from './login-refusal.ts'
import { fetchServerMetadata } from './metadata-lookup.ts'
import type { AuthorizationChallenge } from './protocol/challenge.ts'
import { legacyServerMetadata } from './protocol/server-metadata.ts'
import type { SessionContext } from './session-context.ts'
import { throwIfAborted } from './single-flight.ts'
import type { IssuerCredentials } from './store/credential-store.ts'
import { targetForScope } from './resource-parameter.ts'
import { requestToken } from './token-request.ts'

/** One attempt of a grant. */
export interface GrantAttempt {
  readonly target: AuthorizationTarget
  /** Asked for explicitly. */
  readonly explicitScope: string | undefined
  /** The application asks for a login by name. */
  readonly explicit: boolean
  readonly challenge: AuthorizationChallenge | undefined
  /** What is stored about the issuer. */
  readonly credentials: IssuerCredentials | undefined
  /** See `GrantStrategy`. */
  readonly subjectToken: string | undefined
  /** For grants without a redirect. */
  readonly scope: string | undefined
  readonly signal: AbortSignal
  /** Called when a refusal taught something that makes a second attempt worth it. */
  readonly onLearned: () => void
}

/** Runs the grant of a session once. @throws {OAuthError} */
export async function runGrant(context: SessionContext, given: GrantAttempt): Promise<void> {
  // A redirect decides this for its own scope.
  const target = context.grant.usesRedirect ? given.target : targetForScope(given.target, given.scope)
  const attempt = { ...given, target }
  const { challenge, credentials, subjectToken, scope, signal, onLearned } = attempt
  const { grant } = context
  let begun: string | undefined
  const direct = createDirectRequests(context, attempt)
  const grantContext: GrantContext = {
    server: context.server,
    target,
    ...(scope !== undefined && { scope }),
    signal,
    ...(subjectToken !== undefined && { subjectToken }),
    preferredRedirectUris: grant.client ? [] : (credentials?.registration?.redirectUris ?? []),
    async begin(redirectUri) {
      const { explicitScope } = attempt
      const login = await beginPendingLogin(context, {
        target,
        redirectUri,
        explicitScope,
        challenge,
        signal,
        onLearned,
      })
      begun = login.state
      return login
    },
    finish: parameters => finishPendingLogin(context, parameters, { signal, onLearned }),
    redeem: direct.redeem,
    send: async request => (await direct.send(request)).answer,
    sendElsewhere: request => sendElsewhere(context, request, signal),
    async sleep(ms) {
      await context.sleep(ms, signal)
      throwIfAborted(signal)
    },
    now: context.now,
  }
  try {
    await grant.obtain?.(grantContext)
  } catch (error) {
    if (begun !== undefined) await forgetPendingLogin(context, begun)
    await direct.learn(error)
    throw error
  }
}

interface DirectRequests {
  redeem(form: URLSearchParams): Promise<void>
  send(request: { readonly step: string; readonly url: string; readonly form: URLSearchParams }): Promise<ClientAnswer>
  /** What ended the attempt may teach something for the next one: a client that is no longer known, for one. */
  learn(error: unknown): Promise<void>
}

/** Requests of a grant without a redirect: all as one client, and all tokens bound to one key. */
function createDirectRequests(context: SessionContext, attempt: GrantAttempt): DirectRequests {
  const { target, challenge, credentials, explicit, scope, signal, onLearned } = attempt
  let identified: Promise<ClientIdentity> | undefined
  let key: ReturnType<typeof dpopKeyForLogin> | undefined

  async function identify(): Promise<ClientIdentity> {
    const client = await identifyClient(context, { target, record: await context.records.read(), scope, signal })
    const { registration } = client
    if (registration?.kind === 'dynamic') {
      const { issuer } = target
      await context.records.update(record => {
        const next = storeFirstRegistration(record, { issuer, registration })
        return next === record ? undefined : next
      })
    }
    return client
  }

  return {
    async redeem(form) {
      const client = await (identified ??= identify())
      const dpopJwk = await (key ??= dpopKeyForLogin(context, { target, credentials, challenge }))
      throwIfAborted(signal)
      const redemption = requestToken(context, target, client, { form, dpopJwk }).then(answer =>
        storeLogin(context, {
          issuer: target.issuer,
          answer,
          requestedScope: scope,
          resource: target.resource,
          explicit,
        }),
      )
      await context.track(redemption)
    },
    async send(request) {
      const client = await (identified ??= identify())
      return sendAsClient(context, target, client, { ...request, signal })
    },
    async learn(error) {
      const client = await identified?.catch(() => undefined)
      if (!client || !context.grant.interactive) return
      const { clientId } = client
      const refused = { issuer: target.issuer, clientId, ...(scope !== undefined && { requestedScope: scope }) }
      if (await learnFromRefusal(context, refused, error)) onLearned()
    },
  }
}

async function sendElsewhere(
  context: SessionContext,
  { step, issuer, tokenEndpoint, client, form }: ElsewhereRequest,
  signal: AbortSignal,
): Promise<ClientAnswer> {
  const { metadata, tried } =
    tokenEndpoint === undefined
      ? await fetchServerMetadata({ ...context, requirePkce: false }, issuer, signal)
      : { metadata: { ...legacyServerMetadata(new URL(issuer).origin), issuer, tokenEndpoint }, tried: [] }
  if (!metadata) throw nothingPublished(issuer, tried)
  const target = { authorizationServer: metadata }
  const url = metadata.tokenEndpoint
  return sendAsClient(context, target, preRegisteredIdentity(client, target), { step, url, form, signal })
}

function nothingPublished(issuer: string, tried: readonly string[]): OAuthError {
  return new OAuthError('discovery_failed', `No authorization server metadata was found for ${issuer}.`, {
    step: 'authorization server metadata',
    issuer,
    expected: 'an OAuth or OpenID Connect metadata document (RFC 8414)',
    received: tried.join('; '),
    hint: 'Check the issuer, or configure its token endpoint.',
  })
}
