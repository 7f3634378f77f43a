import { currentCredentials, isSameGrant, newerGrant, withCredentials } from './credential-record.ts'
import { OAuthError } from './errors.ts'
import { createBackOff } from './back-off.ts'
import { createRedeemer } from './refresh-redemption.ts'
import { jitter, randomId, type SessionContext } from './session-context.ts'
import { createSingleFlight } from './single-flight.ts'
import type { StoredGrant } from './store/credential-store.ts'
import { StoreError } from './store/store-error.ts'
import { isAboutProof } from './token-request.ts'
import type { RefreshReason } from './token-lifetime.ts'

/** Keeps the grant of a session fresh. */
export interface Refresher {
  /** Names this session in the marks of its redemptions. */
  readonly owner: string
  /**
   * Replaces `grant` by a newer one: one redemption for everybody, in this process and in others (R-REFRESH-3). Finds the newer
   * one in the store if somebody else was faster. `signal` ends the caller's wait, never the redemption.
   *
   * @throws {OAuthError} `refresh_refused`, `login_required` (nothing left to refresh with), `token_unavailable` and the other retryable codes
   * @throws {StoreError} when the new tokens cannot be saved
   */
  refresh(
    grant: StoredGrant,
    options: { readonly reason: RefreshReason; readonly signal?: AbortSignal | undefined },
  ): Promise<StoredGrant>
  settled(): Promise<void>
}

/** Creates the {@link Refresher} of one session. */
export function createRefresher(context: SessionContext): Refresher {
  const flight = createSingleFlight<StoredGrant>({ cancellable: false })
  const owner = randomId(context)
  const redeem = createRedeemer(context, owner)
  const backOff = createBackOff({
    now: context.now,
    jitter: () => jitter(context),
    onScheduled: delayMs => context.emit({ type: 'retryScheduled', step: 'refresh', delayMs }),
  })

  async function run(grant: StoredGrant, reason: RefreshReason): Promise<StoredGrant> {
    backOff.assertReady(grant.grantId)
    try {
      const fresh = await context.store.withLock(context.key, () => redeem(grant, reason))
      backOff.reset()
      return fresh
    } catch (error) {
      // Whoever held the lock for so long may be done by now. Never refreshed without it (field M3).
      const latest = isLocked(error) ? currentCredentials(await context.records.read())?.credentials.grant : undefined
      if (latest && !isSameGrant(latest, grant)) return latest
      if (error instanceof OAuthError) {
        const { issuer = '' } = currentCredentials(context.records.snapshot()) ?? {}
        context.emit({ type: 'refreshFailed', issuer, code: error.code, retryable: error.retryable })
        if (error.retryable && backOff.failed(grant.grantId, error) >= MAX_SAME_REFUSALS && !isAboutProof(error))
          return giveUp(issuer, grant, error)
      }
      throw error
    }
  }

  /** The same definite refusal again and again: the token is not tried any more, though nobody said that it is dead (field T13). */
  async function giveUp(issuer: string, grant: StoredGrant, error: OAuthError): Promise<StoredGrant> {
    const refreshRefusedAt = context.now()
    const left = await context.records.update(record =>
      isSameGrant(record.issuers[issuer]?.grant, grant)
        ? withCredentials(record, issuer, credentials => ({ ...credentials, refreshRefusedAt }))
        : undefined,
    )
    const newer = newerGrant(left, grant)
    if (newer) return newer
    throw new OAuthError('refresh_refused', error.message, { ...error.detail, hint: 'Log in again.' }, { cause: error })
  }

  return {
    owner,
    async refresh(grant, { reason, signal }) {
      const fresh = await flight.run(() => run(grant, reason), { signal })
      if (!isSameGrant(fresh, grant)) return fresh
      // The flight that was joined had set out for an older grant than ours.
      return flight.run(() => run(grant, reason), { signal })
    },
    settled: () => flight.end(),
  }
}

/** Whether an error says that others kept the record to themselves for too long; nothing was sent or lost. */
export function isLocked(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'locked'
}

/** How often one and the same OAuth error may answer a refresh before the token counts as refused. */
const MAX_SAME_REFUSALS = 3
