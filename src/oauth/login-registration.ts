import { withCredentials } from './credential-record.ts'
import type { CredentialRecord, PendingLogin } from './store/credential-store.ts'

/**
 * Keeps a dynamic registration at once where it replaces nothing, so that an abandoned login does not register again next time. With
 * a registration or tokens in place it waits in the pending login (R-DCR-4).
 */
export function storeFirstRegistration(
  record: CredentialRecord,
  { registration, issuer }: Pick<PendingLogin, 'registration' | 'issuer'>,
): CredentialRecord {
  const known = record.issuers[issuer]
  if (registration?.kind !== 'dynamic' || known?.registration || known?.grant) return record
  return withCredentials(record, issuer, credentials => ({ ...credentials, registration }))
}
