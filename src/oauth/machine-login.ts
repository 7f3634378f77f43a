import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import type { LoginInput } from './login.ts'
import { displayUrl } from './protocol/display-text.ts'
import type { SessionContext } from './session-context.ts'
import type { CredentialRecord, IssuerCredentials } from './store/credential-store.ts'
import { isExpired, isRefreshable } from './token-lifetime.ts'

/**
 * The login that serves a machine in place of the one that it is about to make: somebody else's, made since the one it saw. Undefined when there
 * is none.
 *
 * @throws {OAuthError} `configuration` when a person's login is in the way, which a machine replaces only on demand
 */
export function loginInstead(
  context: SessionContext,
  record: CredentialRecord | undefined,
  { seen, alone = false, explicit = false }: LoginInput,
): { readonly issuer: string; readonly grantId: string } | undefined {
  const current = currentCredentials(record)
  const grant = current?.credentials.grant
  if (!current || !grant) return undefined
  if (isForeignGrant(context, current.credentials)) {
    if (!explicit) assertNoPersonsLogin(context, record)
    return undefined
  }
  const newer = !alone && seen !== undefined && seen.grantId !== grant.grantId && !isExpired(grant, context.now())
  return newer ? { issuer: current.issuer, grantId: grant.grantId } : undefined
}

/**
 * Asked again when the token of a machine is stored: a person finishes a login without the lock.
 *
 * @throws {OAuthError} `configuration` when a person's login would be replaced
 */
export function assertNoPersonsLogin(context: SessionContext, record: CredentialRecord | undefined): void {
  const current = currentCredentials(record)
  if (current && holdsPersonsLogin(context, current.credentials)) throw personsLogin(context, current.issuer)
}

function holdsPersonsLogin(context: SessionContext, credentials: IssuerCredentials): boolean {
  const { grant } = credentials
  if (!grant || grant.withoutPerson) return false
  return isRefreshable(credentials) || !isExpired(grant, context.now())
}

function personsLogin({ server, key }: SessionContext, issuer: string): OAuthError {
  return new OAuthError(
    'configuration',
    `The profile ${key.profile} holds a person's login at ${displayUrl(server)}, which a machine would replace.`,
    { step: 'login', issuer, hint: 'Give the machine a profile of its own, or log out first.' },
  )
}
