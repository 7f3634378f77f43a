import { PENDING_LOGIN_LIFETIME_MS } from './begin-login.ts'
import { isForeignGrant } from './client-identity.ts'
import { currentCredentials } from './credential-record.ts'
import { hasScope, parseScope } from './protocol/scope.ts'
import { jitter, randomId, type SessionContext } from './session-context.ts'
import { throwIfAborted } from './single-flight.ts'
import type { CredentialRecord, LoginUnderWay } from './store/credential-store.ts'

/** How often the one who asks a person says that it is still there. */
export const LOGIN_RENEWAL_MS = 2_500
/** An owner that was silent for this long is taken for dead. */
export const LOGIN_LEASE_MS = 10_000
/** Longest pause between two looks at the record. */
const POLL_MS = 500

/** The login that somebody is about to ask a person for. */
export interface WantedLogin {
  readonly issuer: string
  readonly scope: string | undefined
  /** The login that does not serve any more; another one that is found instead is used. */
  readonly seen: { readonly grantId: string | undefined }
  /** Wait for nobody and use nobody's login. */
  readonly alone: boolean
}

/** The right to ask a person. */
export interface LoginTurn {
  /** Lets the next one ask. Never rejects. */
  end(): Promise<void>
}

/**
 * Takes the one turn to ask a person for this record, before anything is registered or opened. While another process asks for at least the
 * same, waits for it by looking at the record; no lock is held meanwhile. Resolves to undefined when a login that was made meanwhile is there.
 * A turn that is not renewed, or older than a pending login may get, counts for nothing.
 *
 * @throws {OAuthError} `aborted` @throws {StoreError}
 */
export async function takeLoginTurn(
  context: SessionContext,
  wanted: WantedLogin,
  signal: AbortSignal,
): Promise<LoginTurn | undefined> {
  const owner = randomId(context)
  let announced = false
  let last: LoginUnderWay | undefined
  let silentMs = 0
  for (;;) {
    const record = await context.records.read()
    const made = wanted.alone ? undefined : otherLogin(context, record, wanted)
    if (made) {
      context.emit({ type: 'adopted', ...made })
      return undefined
    }
    const other = othersTurn(context, record, wanted)
    if (other?.owner !== last?.owner || other?.renewedAt !== last?.renewedAt) silentMs = 0
    last = other
    // Counted here too: the clocks of two machines may differ, or be set.
    if (!other || silentMs >= LOGIN_LEASE_MS) {
      if (await claim(context, wanted, owner, other)) return hold(context, owner)
      continue
    }
    if (!announced) context.emit({ type: 'waitingForLogin', issuer: other.issuer, askedAt: other.askedAt })
    announced = true
    const delayMs = POLL_MS * (0.5 + jitter(context) / 2)
    await context.sleep(delayMs, signal)
    throwIfAborted(signal)
    silentMs += delayMs
  }
}

/** A login that was made since `seen`, usable here. */
function otherLogin(
  context: SessionContext,
  record: CredentialRecord | undefined,
  { seen }: WantedLogin,
): { readonly issuer: string; readonly grantId: string } | undefined {
  const current = currentCredentials(record)
  const grantId = current?.credentials.grant?.grantId
  if (!current || grantId === undefined || grantId === seen.grantId) return undefined
  return isForeignGrant(context, current.credentials) ? undefined : { issuer: current.issuer, grantId }
}

/** The turn of somebody who asks for at least what is wanted, and lives. */
function othersTurn(
  context: SessionContext,
  record: CredentialRecord | undefined,
  { issuer, scope, alone }: WantedLogin,
): LoginUnderWay | undefined {
  const other = record?.loginUnderWay
  if (alone || other?.issuer !== issuer) return undefined
  const { client } = context.grant
  if (client && client.clientId !== other.clientId) return undefined
  if (!parseScope(scope).every(each => hasScope(other.scope, each))) return undefined
  const age = (since: number): number => Math.abs(context.now() - since)
  const alive = age(other.renewedAt) < LOGIN_LEASE_MS && age(other.askedAt) < PENDING_LOGIN_LIFETIME_MS
  return alive ? other : undefined
}

async function claim(
  context: SessionContext,
  wanted: WantedLogin,
  owner: string,
  dead: LoginUnderWay | undefined,
): Promise<boolean> {
  const { issuer, scope } = wanted
  const now = context.now()
  const clientId = context.grant.client?.clientId
  const mine: LoginUnderWay = {
    owner,
    issuer,
    ...(scope !== undefined && { scope }),
    ...(clientId !== undefined && { clientId }),
    askedAt: now,
    renewedAt: now,
  }
  const record = await context.records.update(latest => {
    const other = othersTurn(context, latest, wanted)
    const taken = other && !(other.owner === dead?.owner && other.renewedAt === dead.renewedAt)
    const served = !wanted.alone && otherLogin(context, latest, wanted) !== undefined
    return taken || served ? undefined : { ...latest, loginUnderWay: mine }
  })
  return record.loginUnderWay?.owner === owner
}

function hold(context: SessionContext, owner: string): LoginTurn {
  let work: Promise<unknown> = Promise.resolve()
  const change = (to: (mine: LoginUnderWay) => LoginUnderWay | undefined): Promise<unknown> => {
    const changed = work.then(() =>
      context.records.update(({ loginUnderWay: mine, ...record }) => {
        if (mine?.owner !== owner) return undefined
        const next = to(mine)
        return next ? { ...record, loginUnderWay: next } : record
      }),
    )
    // A turn that cannot be renewed or ended runs out; the login itself says what is wrong with the store.
    work = changed.catch(() => undefined)
    return work
  }
  // A timer of its own: waiting, which is injected, is for retries and may take no time in a test.
  const timer = setInterval(() => void change(mine => ({ ...mine, renewedAt: context.now() })), LOGIN_RENEWAL_MS)
  return {
    async end() {
      clearInterval(timer)
      await change(() => undefined)
    },
  }
}
