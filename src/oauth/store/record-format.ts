import type { CredentialRecord } from './credential-store.ts'
import { StoreError } from './store-error.ts'

/** A record of format n made into one of format n + 1; only `format` itself is set by the caller. */
export type RecordMigration = (record: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>

/** Which formats can be read. */
export interface RecordFormats {
  /** The format that is written. */
  readonly current: number
  /** By the format that is migrated from. A format without an entry cannot be read. */
  readonly migrations: Readonly<Record<number, RecordMigration>>
}

/** Where a record lay, for the error. */
export interface RecordOrigin {
  /** Begins the sentence: a path, `the record of https://… in Redis`. Nothing secret. */
  readonly what: string
  readonly path?: string
  /** What to do about a damaged record. Default: to remove it and log in again. */
  readonly hint?: string
}

/** There has been one format so far. */
const RECORD_FORMATS: RecordFormats = { current: 1, migrations: {} }

/**
 * Reads what a store has parsed: migrates an older format forward, and checks the shape that the library relies on. Members it does not
 * know are kept. Every store uses this one function; none writes an older format back by itself, the next change does.
 *
 * @throws {StoreError} `newer_format` for the record of a newer version, `corrupt` for anything else that is no record; neither quotes it
 */
export function readCredentialRecord(
  content: unknown,
  origin: RecordOrigin,
  formats: RecordFormats = RECORD_FORMATS,
): CredentialRecord {
  if (!isObject(content)) throw corrupt(origin)
  const { format } = content
  if (typeof format !== 'number' || !Number.isSafeInteger(format) || format < 1) throw corrupt(origin)
  if (format > formats.current) throw newer(origin, format)
  const record = migrate(content, format, formats)
  if (!record || !isRecord(record)) throw corrupt(origin)
  return record
}

function migrate(
  content: Readonly<Record<string, unknown>>,
  format: number,
  { current, migrations }: RecordFormats,
): Readonly<Record<string, unknown>> | undefined {
  let record = content
  for (let from = format; from < current; from++) {
    const migration = migrations[from]
    if (!migration) return undefined
    try {
      record = { ...migration(record), format: from + 1 }
    } catch {
      // What it stumbled over may be quoted in its error.
      return undefined
    }
  }
  return record
}

type Check = (value: unknown) => boolean

const isString: Check = value => typeof value === 'string'
const isNumber: Check = value => typeof value === 'number' && Number.isFinite(value)
const optional =
  (check: Check): Check =>
  value =>
    value === undefined || check(value)
const object =
  (members: Readonly<Record<string, Check>>): Check =>
  value =>
    isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]))
const eachOf =
  (check: Check): Check =>
  value =>
    isObject(value) && Object.values(value).every(check)

const isRegistration = object({
  kind: isString,
  clientId: isString,
  clientSecret: optional(isString),
  clientSecretExpiresAt: optional(isNumber),
  tokenEndpointAuthMethod: isString,
  redirectUris: optional(value => Array.isArray(value) && value.every(isString)),
  scope: optional(isString),
  withoutPerson: optional(value => value === true),
  registrationClientUri: optional(isString),
  registrationAccessToken: optional(isString),
})

const isGrant = object({
  grantId: isString,
  accessToken: isString,
  tokenType: isString,
  obtainedAt: isNumber,
  expiresAt: optional(isNumber),
  refreshToken: optional(isString),
  scope: optional(isString),
  resource: optional(isString),
  clientId: optional(isString),
  withoutPerson: optional(value => value === true),
  obtainedFor: optional(isString),
  dpopJwk: optional(isObject),
  idToken: optional(isString),
})

const isIssuerCredentials = object({
  registration: optional(isRegistration),
  grant: optional(isGrant),
  knownScope: optional(isString),
  refreshing: optional(object({ owner: isString, startedAt: isNumber, tokenHash: isString })),
  refreshRefusedAt: optional(isNumber),
  lostBoundGrant: optional(value => value === true),
  refuses: optional(isObject),
})

const isPendingLogin = object({
  issuer: isString,
  codeVerifier: isString,
  redirectUri: isString,
  clientId: isString,
  registration: optional(isRegistration),
  dpopJwk: optional(isObject),
  nonce: optional(isString),
  createdAt: isNumber,
  expiresAt: isNumber,
})

const isLoginUnderWay = object({
  owner: isString,
  issuer: isString,
  scope: optional(isString),
  clientId: optional(isString),
  askedAt: isNumber,
  renewedAt: isNumber,
})

const isCurrentRecord = object({
  server: isString,
  profile: isString,
  current: optional(isString),
  issuers: eachOf(isIssuerCredentials),
  pendingLogins: optional(eachOf(isPendingLogin)),
  loginUnderWay: optional(isLoginUnderWay),
})

function isRecord(record: unknown): record is CredentialRecord {
  return isCurrentRecord(record)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function newer({ what, path }: RecordOrigin, format: number): StoreError {
  return new StoreError(
    'newer_format',
    `${what} was written by a newer version (format ${format}); it was left as it is.`,
    { step: 'read credentials', ...(path !== undefined && { path }), hint: 'Update this program.' },
  )
}

function corrupt({
  what,
  path,
  hint = 'Remove the record from the store, then log in again.',
}: RecordOrigin): StoreError {
  return new StoreError('corrupt', `${what} is damaged: it is not what was written.`, {
    step: 'read credentials',
    ...(path !== undefined && { path }),
    hint,
  })
}
