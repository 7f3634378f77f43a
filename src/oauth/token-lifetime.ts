import type { IssuerCredentials, StoredGrant } from './store/credential-store.ts'

/** Why the stored access token is not enough. */
export type RefreshReason = 'expiring' | 'rejected'

const EARLIEST_REFRESH_MS = 60_000

/**
 * Whether the access token should be replaced before it is used: within min(60 s, 10 % of its lifetime) of its expiry, plus up to a
 * tenth of that so that several processes do not wake up together (R-REFRESH-2). A token of unknown lifetime never is.
 */
export function isExpiring(grant: StoredGrant, now: number, random: number): boolean {
  if (grant.expiresAt === undefined) return false
  const threshold = Math.min(EARLIEST_REFRESH_MS, (grant.expiresAt - grant.obtainedAt) / 10)
  return now >= grant.expiresAt - threshold * (1 + random / 10)
}

/** Whether the access token has certainly ended. */
export function isExpired(grant: StoredGrant, now: number): boolean {
  return grant.expiresAt !== undefined && now >= grant.expiresAt
}

/** Whether there is a refresh token worth trying: one that was not refused before. */
export function isRefreshable({ grant, refreshRefusedAt }: IssuerCredentials): boolean {
  return grant?.refreshToken !== undefined && refreshRefusedAt === undefined
}
