import { createSessionContext } from '../oauth/create-session-context.ts'
import { currentCredentials } from '../oauth/credential-record.ts'
import type { AuthorizationTarget } from '../oauth/discovery.ts'
import { authorizationCode } from '../oauth/flows/authorization-code.ts'
import { PLAIN_HTTP_HINT } from '../oauth/policy.ts'
import type { AuthorizationChallenge } from '../oauth/protocol/challenge.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl } from '../oauth/protocol/url.ts'
import type { CredentialRecord } from '../oauth/store/credential-store.ts'
import { addAuthorizationServerSteps } from './authorization-server-step.ts'
import { addCapabilitySteps } from './capability-steps.ts'
import { addChallengeStep } from './challenge-step.ts'
import { addClientSteps } from './client-step.ts'
import { addCorsStep } from './cors-step.ts'
import type { Diagnosis, DiagnoseOptions } from './diagnosis.ts'
import type { Examination } from './examination.ts'
import { addLoginStep, addTokenStep, readLogin } from './login-steps.ts'
import { addConnectionSteps, addProxyStep } from './network-steps.ts'
import { type Reached, reachServer, serverFacts } from './reach-server.ts'
import { createReport } from './report.ts'
import { addResourceSteps } from './resource-step.ts'

/**
 * Goes every step of reaching an MCP server and logging in to it, as far as that goes without a person: connection, endpoint, challenge,
 * metadata, authorization server, client, and the login that is stored, if there is one. Nothing is registered and nobody is asked; a
 * stored login is used as by every request, and so refreshed where that is due. What is wrong is named by {@link FindingCode}s, each with
 * what to do on either side; a server that cannot be reached is a diagnosis, not an exception.
 *
 * @throws {OAuthError} `configuration` for options that cannot be used, `aborted`
 */
export async function diagnose(server: string | URL, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const { grant = authorizationCode(), onStep, signal } = options
  const { context, settled } = createSessionContext({ ...options, server, grant, interactive: false })
  const report = createReport(context.server, onStep)
  report.hide(grant.client?.clientSecret, grant.initialAccessToken, grant.clientMetadata?.softwareStatement)
  for (const value of Object.values(options.headers ?? {})) report.hide(value, value.replace(/^\S+\s+/u, ''))
  const examination = { context, options, report, signal }
  try {
    await examine(examination)
  } finally {
    await settled()
  }
  return report.diagnosis()
}

async function examine(examination: Examination): Promise<void> {
  const { context, options, report } = examination
  addProxyStep(examination)
  const reached = await reachServer(examination, context.fetch)
  addConnectionSteps(examination, reached)
  if (report.failed()) return
  if (reached.kind === 'failed') {
    const expected = 'an answer of an MCP server'
    report.add({ step: 'MCP endpoint', expected, ...serverFacts(reached.error, context.server) }, reached.code)
    return
  }
  if (Object.keys(options.headers ?? {}).some(name => name.toLowerCase() === 'authorization')) {
    addGivenCredentialsStep(examination, reached)
    return
  }
  if (reached.kind === 'open') addRevisionStep(examination, reached)
  if (reached.kind === 'refused' && !isSecureUrl(new URL(context.server))) {
    const received = displayUrl(context.server)
    report.add(
      { step: 'encryption', expected: 'https, or http on loopback', received, hint: PLAIN_HTTP_HINT },
      'unencrypted_server',
    )
    return
  }
  const challenge = reached.kind === 'refused' ? addChallengeStep(examination, reached) : undefined
  await addCorsStep(examination, reached.kind === 'refused')
  // Metadata over plain http would be refused, and nobody asks for it.
  if (!isSecureUrl(new URL(context.server))) return
  await examineAuthorization(examination, reached, challenge)
}

async function examineAuthorization(
  examination: Examination,
  reached: Exclude<Reached, { kind: 'failed' }>,
  challenge: AuthorizationChallenge | undefined,
): Promise<void> {
  const { context, report } = examination
  const { record, unreadable } = await readLogin(examination)
  // A token that the application supplies needs nothing of what follows.
  const target = context.grant.supply ? undefined : await findTarget(examination, reached, { challenge, record })
  if (target) {
    addCapabilitySteps(examination, target, challenge?.scope)
    await addClientSteps(examination, { target, record, scope: challenge?.scope })
  }
  const hasLogin = currentCredentials(record)?.credentials.grant !== undefined
  const mayTry = !unreadable && (target || hasLogin) ? addLoginStep(examination, record, target) : false
  if ((!mayTry && !context.grant.supply) || report.failed()) return
  const authorized = await addTokenStep(examination)
  if (authorized?.kind === 'open' && reached.kind !== 'open') addRevisionStep(examination, authorized)
}

/** From the challenge to the authorization server that a login would use. */
async function findTarget(
  examination: Examination,
  reached: Exclude<Reached, { kind: 'failed' }>,
  {
    challenge,
    record,
  }: { readonly challenge: AuthorizationChallenge | undefined; readonly record: CredentialRecord | undefined },
): Promise<AuthorizationTarget | undefined> {
  const isAsked = reached.kind === 'refused' && (reached.how === 'unauthorized' || challenge !== undefined)
  const resource = await addResourceSteps(examination, { challenge, wanted: isAsked })
  if (resource.kind === 'failed') return undefined
  const published = resource.kind === 'found' ? resource.metadata : undefined
  if (!published && !isAsked) {
    addWithoutMetadataStep(examination, reached)
    return undefined
  }
  addUnusualChallengeStep(examination, reached, challenge)
  return addAuthorizationServerSteps(examination, { challenge, published, record })
}

function addRevisionStep({ context, report }: Examination, { revisions }: Extract<Reached, { kind: 'open' }>): void {
  const isOld = revisions.every(revision => revision === '2024-11-05')
  report.add(
    {
      step: 'MCP endpoint',
      url: displayUrl(context.server),
      expected: 'a protocol revision in common',
      received: `speaks ${revisions.join(' and ')}${isOld ? ', over HTTP+SSE' : ''}`,
    },
    ...(isOld ? (['legacy_transport'] as const) : []),
  )
}

function addGivenCredentialsStep(examination: Examination, reached: Exclude<Reached, { kind: 'failed' }>): void {
  const { context, report } = examination
  if (reached.kind === 'open') {
    addRevisionStep(examination, reached)
    report.add({ step: 'Authorization header', received: 'accepted; OAuth was not looked at' })
    return
  }
  const code = reached.how === 'redirect' ? 'server_redirects' : 'given_credentials_rejected'
  report.add({ step: 'Authorization header', ...serverFacts(reached.error, context.server) }, code)
}

/** Nothing asks for a login, and nothing says how to: a public server, or one that only refuses. */
function addWithoutMetadataStep({ context, report }: Examination, reached: Exclude<Reached, { kind: 'failed' }>): void {
  if (reached.kind === 'open') {
    report.add({ step: 'authorization', received: 'none needed' }, 'public_server')
    return
  }
  const facts = serverFacts(reached.error, context.server)
  report.add({ step: 'authorization', ...facts }, reached.how === 'redirect' ? 'server_redirects' : 'forbidden')
}

/** What else than a 401 led here. */
function addUnusualChallengeStep(
  { report }: Examination,
  reached: Exclude<Reached, { kind: 'failed' }>,
  challenge: AuthorizationChallenge | undefined,
): void {
  const step = 'authorization'
  if (reached.kind === 'open') report.add({ step, received: 'answers without a token' }, 'login_optional')
  else if (reached.how === 'redirect') report.add({ step, received: 'a redirect' }, 'challenge_is_redirect')
  else if (reached.how === 'forbidden' && challenge?.error !== 'insufficient_scope')
    report.add({ step, received: '403' }, 'challenge_is_403')
}
