import { afterEach, describe, expect, it, vi } from 'vitest'
import type { OAuthErrorCode } from '../../src/oauth/errors.ts'
import type { Fault } from '../../src/testing/faults.ts'
import { createLife, failureOf, type Life, type LifeClient, until } from './life.ts'

afterEach(() => {
  vi.useRealTimers()
})

interface Row {
  readonly fault: Fault
  readonly code: OAuthErrorCode
  /** What the error says about the cause. */
  readonly says: RegExp
  /** What the server asked to wait, in milliseconds. */
  readonly retryAfterMs?: number
}

const retryAfter = (value: string): { readonly headers: Readonly<Record<string, string>> } => ({
  headers: { 'retry-after': value },
})

/** What may come of a refresh that says nothing about the grant. Each strikes once. */
const TABLE: Readonly<Record<string, Row>> = {
  'a 500': { fault: { kind: 'status', status: 500 }, code: 'token_unavailable', says: /500/ },
  'a 502 page': { fault: { kind: 'html', status: 502 }, code: 'token_unavailable', says: /502/ },
  'a 503 with Retry-After in seconds': {
    fault: { kind: 'status', status: 503, ...retryAfter('120') },
    code: 'token_unavailable',
    says: /503/,
    retryAfterMs: 120_000,
  },
  "a 503 with Retry-After as a date, by the server's clock": {
    fault: {
      kind: 'status',
      status: 503,
      headers: { date: 'Fri, 01 Jan 2027 00:00:00 GMT', 'retry-after': 'Fri, 01 Jan 2027 00:01:30 GMT' },
    },
    code: 'token_unavailable',
    says: /503/,
    retryAfterMs: 90_000,
  },
  'a 429 with Retry-After': {
    fault: { kind: 'status', status: 429, ...retryAfter('30') },
    code: 'token_unavailable',
    says: /429/,
    retryAfterMs: 30_000,
  },
  'a 429 without Retry-After': { fault: { kind: 'status', status: 429 }, code: 'token_unavailable', says: /429/ },
  'a connection reset': {
    fault: { kind: 'connection-error', code: 'ECONNRESET' },
    code: 'network',
    says: /\(connect\) \[ECONNRESET\]/,
  },
  'a DNS failure': {
    fault: { kind: 'connection-error', code: 'ENOTFOUND' },
    code: 'network',
    says: /\(dns\) \[ENOTFOUND\]/,
  },
  'a 200 with HTML': { fault: { kind: 'html' }, code: 'token_unavailable', says: /html/i },
  'a 400 with HTML': { fault: { kind: 'html', status: 400 }, code: 'token_unavailable', says: /400/ },
  'truncated JSON': {
    fault: {
      kind: 'status',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"access_token":"secret-canary","token_ty',
    },
    code: 'token_unavailable',
    says: /neither JSON nor a form/,
  },
  'truncated JSON of an error': {
    fault: {
      kind: 'status',
      status: 400,
      headers: { 'content-type': 'application/json' },
      body: '{"error":"invalid_grant","error_descr',
    },
    code: 'token_unavailable',
    says: /400/,
  },
}

const atRefresh = (fault: Fault): { readonly faults: Readonly<Record<string, Fault>> } => ({
  faults: { 'token:refresh_token': { ...fault, times: 1 } },
})

async function expiredLife(): Promise<{ readonly life: Life; readonly client: LifeClient; readonly tokens: unknown }> {
  const life = createLife()
  const client = life.client()
  expect((await client.call('echo')).status).toBe(200)
  life.expire()
  return { life, client, tokens: await tokensOf(life) }
}

async function tokensOf(life: Life): Promise<unknown> {
  const [key] = await life.store.list()
  const record = key && (await life.store.get(key))?.record
  return record?.issuers[record.current ?? '']?.grant
}

/** The tokens are kept, nobody was asked, and the error is one to try again after; then the next call works. */
async function expectKeptAndRecovered(life: Life, client: LifeClient, tokens: unknown, error: any): Promise<void> {
  expect(error).toMatchObject({ name: 'OAuthError', retryable: true })
  expect(`${error.message}${JSON.stringify(error.detail)}`).not.toContain('canary')
  expect(await tokensOf(life)).toEqual(tokens)
  expect(await client.session.status()).toMatchObject({ loggedIn: true, refreshable: true })
  expect(life.issues('refreshFailed')).toEqual([expect.objectContaining({ code: error.code, retryable: true })])
  // Until the back-off is over nobody is asked again.
  const spent = life.refreshes().length
  expect(await failureOf(client.call('echo'))).toMatchObject({ code: error.code, retryable: true })
  expect(life.refreshes()).toHaveLength(spent)
  life.clock.now += (error.detail.retryAfterMs ?? 0) + 1_000
  expect((await client.call('echo')).status).toBe(200)
  expect(life.refreshes()).toHaveLength(spent + 1)
  expect(life.issues('refreshed')).toHaveLength(1)
  expect(life.authorizations()).toHaveLength(1)
}

describe('field cases: the fault table of a refresh', () => {
  it.each(Object.entries(TABLE))(
    'field T12: %s keeps the tokens, opens no browser, is retryable, and the next call recovers',
    async (_, { fault, code, says, retryAfterMs }) => {
      const { life, client, tokens } = await expiredLife()
      life.server.set(atRefresh(fault))
      const error = await failureOf(client.call('echo'))
      expect(error.code).toBe(code)
      expect(error.message).toMatch(says)
      expect(error.detail.retryAfterMs).toBe(retryAfterMs)
      await expectKeptAndRecovered(life, client, tokens, error)
    },
  )

  it.each<[string, Fault]>([
    ['a server that is silent', { kind: 'silent' }],
    ['an answer that stops half-way', { kind: 'stalled-body' }],
  ])(
    'field T12: the time-out of %s keeps the tokens, opens no browser, is retryable, and the next call recovers',
    async (_, fault) => {
      const { life, client, tokens } = await expiredLife()
      life.server.set(atRefresh(fault))
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const failure = failureOf(client.call('echo'))
      await until(() => life.refreshes().length === 1)
      await vi.advanceTimersByTimeAsync(30_000)
      const error = await failure
      vi.useRealTimers()
      expect(error.code).toBe('timeout')
      await expectKeptAndRecovered(life, client, tokens, error)
    },
  )

  it('field T12: Retry-After is kept to, as long as it says and no longer', async () => {
    const { life, client } = await expiredLife()
    life.server.set(atRefresh({ kind: 'status', status: 503, ...retryAfter('120') }))
    await failureOf(client.call('echo'))
    life.clock.now += 119_000
    expect((await failureOf(client.call('echo'))).detail.retryAfterMs).toBe(1_000)
    life.clock.now += 1_000
    expect((await client.call('echo')).status).toBe(200)
  })

  it('field T12: another process is not held up by it, and its success serves this one', async () => {
    const { life, client } = await expiredLife()
    life.server.set(atRefresh({ kind: 'status', status: 503, ...retryAfter('120') }))
    await failureOf(client.call('echo'))
    const other = life.client()
    expect((await other.call('echo')).status).toBe(200)
    expect((await client.call('echo')).status).toBe(200)
    expect(life.refreshes()).toHaveLength(2)
    expect(life.authorizations()).toHaveLength(1)
  })
})
