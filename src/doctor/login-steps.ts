import { isForeignGrant } from '../oauth/client-identity.ts'
import { currentCredentials } from '../oauth/credential-record.ts'
import type { AuthorizationTarget } from '../oauth/discovery.ts'
import { OAuthError } from '../oauth/errors.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { createOAuthSession } from '../oauth/session.ts'
import { loginStatus, type LoginStatus } from '../oauth/status.ts'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import { StoreError } from '../oauth/store/store-error.ts'
import { withOAuth } from '../oauth/with-oauth.ts'
import type { Examination } from './examination.ts'
import { loginFinding } from './failure-codes.ts'
import type { FindingCode } from './finding.ts'
import { type Reached, reachServer, serverFacts } from './reach-server.ts'
import { factsOf } from './report.ts'

const STEP = 'login'

/** What is stored about the server; `unreadable` is reported as the error that it is. */
export async function readLogin({
  context,
  report,
}: Examination): Promise<{ readonly record?: CredentialRecord; readonly unreadable: boolean }> {
  try {
    const record = await context.records.read()
    if (!record) return { unreadable: false }
    for (const { grant, registration } of Object.values(record.issuers)) {
      report.hide(grant?.accessToken, grant?.refreshToken, grant?.idToken)
      report.hide(registration?.clientSecret, registration?.registrationAccessToken)
    }
    return { record, unreadable: false }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    report.add({ step: STEP, received: error.message, hint: error.detail.hint }, 'store_unreadable')
    return { unreadable: true }
  }
}

/** Says what the store knows of a login, without asking anybody, and returns whether it can be tried. */
export function addLoginStep(
  { context, report }: Examination,
  record: CredentialRecord | undefined,
  target: AuthorizationTarget | undefined,
): boolean {
  const status = loginStatus(context, record)
  const current = currentCredentials(record)
  const codes: FindingCode[] = []
  if (current && isForeignGrant(context, current.credentials)) codes.push('login_of_other_client')
  else if (!status.loggedIn && current?.credentials.refreshRefusedAt !== undefined) codes.push('refresh_refused')
  else if (!current?.credentials.grant) codes.push('login_needed')
  else if (!status.loggedIn) codes.push('login_expired')
  else if (target?.protectedResource && !target.protectedResource.authorizationServers.includes(current.issuer)) {
    codes.push('login_at_other_issuer')
  }
  report.add({ step: STEP, received: describe(status, context.now()) }, ...codes)
  return status.loggedIn
}

function describe(
  { loggedIn, grantId, scope, expiresAt, refreshable, clientId, issuer }: LoginStatus,
  now: number,
): string {
  if (grantId === undefined) return 'none'
  const ended = expiresAt !== undefined && expiresAt <= now
  const expiry =
    expiresAt === undefined ? 'expiry unknown' : `${ended ? 'expired' : 'expires'} ${new Date(expiresAt).toISOString()}`
  return [
    loggedIn ? 'logged in' : 'no longer logged in',
    ...(issuer === undefined ? [] : [`at ${issuer}`]),
    ...(clientId === undefined ? [] : [`as ${clientId}`]),
    expiry,
    refreshable === true ? 'renews itself' : 'cannot be renewed',
    ...(scope === undefined ? [] : [`scope ${scope}`]),
  ].join(', ')
}

/** Opens a conversation with the stored login, as every command does: it is refreshed if that is due, and nobody is asked. */
export async function addTokenStep(examination: Examination): Promise<Reached | undefined> {
  const { context, options, report } = examination
  const step = 'token'
  const facts = { step, url: displayUrl(context.server), expected: 'the server takes the token' }
  await using session = createOAuthSession({
    ...options,
    server: context.server,
    grant: context.grant,
    interactive: false,
    fetch: context.fetch,
    store: context.store,
  })
  try {
    const reached = await reachServer(examination, withOAuth(context.fetch, session))
    if (reached.kind === 'open') {
      report.add({ ...facts, received: 'accepted' })
      return reached
    }
    const code = reached.kind === 'failed' ? reached.code : REFUSED[reached.how]
    report.add({ ...facts, ...serverFacts(reached.error, context.server) }, code)
  } catch (error) {
    const code = error instanceof OAuthError ? loginFinding(error) : undefined
    if (!(error instanceof OAuthError) || code === undefined) throw error
    report.add(factsOf(error, { step }), code)
  }
  return undefined
}

const REFUSED = { unauthorized: 'token_rejected', forbidden: 'token_forbidden', redirect: 'server_redirects' } as const
