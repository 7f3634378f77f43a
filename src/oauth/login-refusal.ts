import { isBeyondRegistration } from './client-identity.ts'
import { withCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { hasScope } from './protocol/scope.ts'
import type { SessionContext } from './session-context.ts'
import type { IssuerCredentials, PendingLogin } from './store/credential-store.ts'

/** How a document is refused; the last says that it was read and cannot be used. */
const DOCUMENT_REFUSALS = ['invalid_client', 'unauthorized_client', 'invalid_client_metadata']

/**
 * Remembers for the issuer what its refusal says about the next attempt: no `offline_access` (R-SCOPE-9), nothing beyond the registered scope, no client-id metadata
 * document (R-CIMD-7), or a dynamic client it no longer knows (R-REFRESH-4). True when something new was learnt.
 */
export async function learnFromRefusal(
  context: SessionContext,
  login: Pick<PendingLogin, 'issuer' | 'clientId' | 'requestedScope'>,
  error: unknown,
): Promise<boolean> {
  const reason = error instanceof OAuthError ? error.detail.oauthError : undefined
  if (reason === undefined) return false
  const { clientMetadataUrl } = context.grant
  const refusesDocument = login.clientId === clientMetadataUrl && DOCUMENT_REFUSALS.includes(reason)
  // With nothing to fall back to, there is nothing to remember: it may have been unable to fetch the document just now (field R15).
  if (refusesDocument && !(await registersClients(context, login.issuer))) return false
  let learned = false
  await context.records.update(record => {
    const known = record.issuers[login.issuer] ?? {}
    const next = afterRefusal(known, login, { reason, refusesDocument })
    learned = next !== undefined
    return next && withCredentials(record, login.issuer, () => next)
  })
  return learned
}

function afterRefusal(
  known: IssuerCredentials,
  login: Pick<PendingLogin, 'clientId' | 'requestedScope'>,
  { reason, refusesDocument }: { readonly reason: string; readonly refusesDocument: boolean },
): IssuerCredentials | undefined {
  const isStored = known.registration?.clientId === login.clientId
  if (reason === 'invalid_scope' && isStored && !known.refuses?.scopeBeyondRegistration) {
    if (known.registration && isBeyondRegistration(known.registration, login.requestedScope)) {
      return { ...known, refuses: { ...known.refuses, scopeBeyondRegistration: true } }
    }
  }
  if (reason === 'invalid_scope' && hasScope(login.requestedScope, 'offline_access') && !known.refuses?.offlineAccess) {
    return { ...known, refuses: { ...known.refuses, offlineAccess: true } }
  }
  if (refusesDocument && !known.refuses?.clientIdMetadataDocument) {
    return { ...known, refuses: { ...known.refuses, clientIdMetadataDocument: true } }
  }
  if (reason !== 'invalid_client' || known.registration?.kind !== 'dynamic' || !isStored) return undefined
  const { registration: _unknown, ...rest } = known
  return rest
}

async function registersClients({ discovery }: SessionContext, issuer: string): Promise<boolean> {
  const target = await discovery.issuer(issuer).catch(() => undefined)
  return target?.authorizationServer.registrationEndpoint !== undefined
}
