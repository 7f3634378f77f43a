import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyRecord, withLogin, withPendingLogin } from '../../../src/oauth/credential-record.ts'
import { readCredentialRecord, type RecordFormats } from '../../../src/oauth/store/record-format.ts'
import { StoreError } from '../../../src/oauth/store/store-error.ts'

const origin = { what: 'the record', path: '/store/7', hint: 'Do something.' }
const key = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const full = withPendingLogin(
  withLogin(emptyRecord(key), {
    issuer: 'https://as.example.com',
    grant: { grantId: 'g', accessToken: 'canary', tokenType: 'Bearer', obtainedAt: 1, expiresAt: 2, refreshToken: 'r' },
    registration: {
      kind: 'dynamic',
      clientId: 'c',
      tokenEndpointAuthMethod: 'none',
      redirectUris: ['http://127.0.0.1/'],
    },
    requestedScope: 'notes:read',
  }),
  'state',
  {
    issuer: 'https://as.example.com',
    codeVerifier: 'v',
    redirectUri: 'http://127.0.0.1/',
    clientId: 'c',
    issRequired: true,
    createdAt: 1,
    expiresAt: 2,
  },
)

function failure(content: unknown, formats?: RecordFormats): StoreError {
  try {
    readCredentialRecord(content, origin, formats)
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it was read')
}

/** The record with the member at `path` replaced. */
function changed(path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(full) as unknown as Record<string, unknown>
  let holder = copy
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>
  holder[path.at(-1)!] = value
  return copy
}

describe('reading a record', () => {
  it('gives a record of the current format back as it is, unknown members included', () => {
    expect(readCredentialRecord(full, origin)).toEqual(full)
    expect(readCredentialRecord({ ...full, addedLater: { a: 1 } }, origin)).toEqual({ ...full, addedLater: { a: 1 } })
  })

  it('refuses a newer format as that, whatever its shape', () => {
    for (const content of [{ ...full, format: 2 }, { format: 2 }, { format: 999, issuers: 'elsewhere' }]) {
      expect(failure(content)).toMatchObject({ code: 'newer_format', detail: { path: '/store/7' } })
    }
    expect(failure({ format: 12 }).message).toContain('format 12')
  })

  it.each([
    [[], 'format'],
    [null, 'format'],
    ['canary', 'format'],
    [changed(['format'], undefined), 'format'],
    [changed(['format'], '1'), 'format'],
    [changed(['format'], 0), 'format'],
    [changed(['format'], 1.5), 'format'],
    [changed(['format'], Number.NaN), 'format'],
    [changed(['server'], 1), 'server'],
    [changed(['profile'], undefined), 'profile'],
    [changed(['current'], 3), 'current'],
    [changed(['issuers'], undefined), 'issuers'],
    [changed(['issuers'], []), 'issuers'],
    [changed(['issuers', 'https://as.example.com'], null), 'issuer'],
    [changed(['issuers', 'https://as.example.com', 'grant'], 'canary'), 'grant'],
    [changed(['issuers', 'https://as.example.com', 'grant', 'accessToken'], null), 'access token'],
    [changed(['issuers', 'https://as.example.com', 'grant', 'refreshToken'], 5), 'refresh token'],
    [changed(['issuers', 'https://as.example.com', 'grant', 'expiresAt'], 'tomorrow'), 'expiry'],
    [changed(['issuers', 'https://as.example.com', 'registration', 'clientId'], {}), 'client id'],
    [changed(['issuers', 'https://as.example.com', 'registration', 'redirectUris'], [1]), 'redirect URIs'],
    [changed(['issuers', 'https://as.example.com', 'refreshing'], {}), 'mark'],
    [changed(['pendingLogins'], 'none'), 'pending logins'],
    [changed(['loginUnderWay'], { owner: 'a', issuer: 'https://as.example' }), 'login under way'],
    [changed(['pendingLogins', 'state', 'codeVerifier'], undefined), 'pending login'],
  ])('%j is corrupt, and the error quotes none of it (%s)', content => {
    const error = failure(content)
    expect(error).toMatchObject({ code: 'corrupt', detail: { hint: 'Do something.' } })
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain('canary')
  })

  it('ends in a record or a StoreError, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ format: fc.anything(), issuers: fc.object() })), content => {
        try {
          expect(readCredentialRecord(content, origin).format).toBe(1)
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError)
        }
      }),
    )
  })
})

describe('migrating a record', () => {
  const formats: RecordFormats = {
    current: 4,
    migrations: {
      2: ({ site, ...rest }) => ({ ...rest, server: site }),
      3: ({ who, ...rest }) => ({ ...rest, profile: who }),
    },
  }
  const second = { format: 2, site: key.server, who: key.profile, issuers: full.issuers, kept: true }

  it('goes through every format in between, in order, and leaves what it was given alone', () => {
    const given = structuredClone(second)
    const expected = { ...key, format: 4, issuers: full.issuers, kept: true }
    expect(readCredentialRecord(given, origin, formats)).toEqual(expected)
    expect(given).toEqual(second)
    expect(readCredentialRecord({ ...expected, format: 3, who: key.profile }, origin, formats)).toEqual(expected)
  })

  it('of a format that nobody knows how to migrate is corrupt', () => {
    expect(failure({ ...second, format: 1 }, formats).code).toBe('corrupt')
  })

  it('never begins for a newer format', () => {
    expect(failure({ ...second, format: 5 }, formats).code).toBe('newer_format')
  })

  it('that fails, or ends in something else, is corrupt and quotes nothing', () => {
    const fails = (): never => {
      throw new TypeError('canary is not iterable')
    }
    const error = failure({ ...full, format: 1 }, { current: 2, migrations: { 1: fails } })
    expect(error.code).toBe('corrupt')
    expect(`${error.message}${String(error.cause)}`).not.toContain('canary')
    expect(failure({ ...full }, { current: 2, migrations: { 1: () => ({}) } }).code).toBe('corrupt')
  })
})
