import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { createOAuthSession } from '../../src/oauth/session.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { withOAuth } from '../../src/oauth/with-oauth.ts'
import type { Fault, FaultPoint } from '../../src/testing/faults.ts'
import { createMisbehavingServer, type MisbehavingServerOptions } from '../../src/testing/misbehaving-server.ts'
import type { Misbehaviours } from '../../src/testing/misbehaviours.ts'

const HOUR_MS = 3_600_000

/** Everything that a log, a debugger or an error page could show of `value`. */
function everythingShown(value: unknown): string {
  const seen = new Set<unknown>()
  const parts: string[] = []
  const collect = (part: unknown): void => {
    if (seen.has(part)) return
    seen.add(part)
    parts.push(String(part), inspect(part, { depth: 12, showHidden: true, getters: true, maxStringLength: null }))
    try {
      parts.push(JSON.stringify(part) ?? '')
    } catch {
      // A ring: inspect has shown it.
    }
    if (!(part instanceof Error)) return
    parts.push(part.name, part.message, part.stack ?? '', ...Object.values(part).map(member => inspect(member)))
    collect(part.cause)
    if (part instanceof AggregateError) part.errors.forEach(collect)
  }
  collect(value)
  return parts.join('\n')
}

/** The forms in which a secret may travel. */
function formsOf(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), btoa(secret).replaceAll('=', '')]
}

interface Life {
  readonly shown: string
  readonly secrets: readonly string[]
  readonly failures: number
  /** How often each point was asked. */
  asked(point: FaultPoint): number
}

/** Login, call, refresh, step-up, logout; whatever fails on the way is collected and the life goes on. */
async function live(options: MisbehavingServerOptions): Promise<Life> {
  const clock = { now: Date.UTC(2026, 10, 21) }
  const server = createMisbehavingServer({
    now: () => clock.now,
    registrationMethod: 'client_secret_basic',
    ...options,
  })
  const events: OAuthEvent[] = []
  const store = createMemoryStore()
  const seen: unknown[] = []
  let failures = 0
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      seen.push(await work())
    } catch (error) {
      failures += 1
      seen.push(error)
    }
  }
  const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
  const newSession = (interactive: boolean) => {
    const person = server.authorizer({
      forgedFirst: () => [new URLSearchParams({ state: 'forged', code: 'canary-forged-code' })],
    })
    const session = createOAuthSession({
      server: server.mcpUrl,
      store,
      interactive,
      fetch: server.fetch,
      now: () => clock.now,
      randomBytes,
      sleep: async () => undefined,
      onEvent: event => events.push(event),
      grant: authorizationCode({ authorizer: person }),
    })
    return { session, person, fetch: withOAuth(server.fetch, session) }
  }
  const { session, person, fetch } = newSession(true)
  const call =
    (name: string, send: typeof globalThis.fetch = fetch) =>
    async () => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
      const response = await send(server.mcpUrl, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
      await response.body?.cancel()
      return response.status
    }
  await attempt(() => session.login())
  await attempt(call('echo'))
  clock.now += HOUR_MS
  await attempt(call('echo'))
  await attempt(call('write'))
  await attempt(call('admin', newSession(false).fetch))
  clock.now += HOUR_MS
  await attempt(call('echo', newSession(false).fetch))
  await attempt(() => session.login({ force: true }))
  await attempt(() => session.finishLogin(new URLSearchParams({ state: 'unknown', code: 'canary-forged-code' })))
  await attempt(() => session.status())
  seen.push(inspect(session, { showHidden: true, depth: 12 }), inspect(fetch, { showHidden: true, depth: 12 }))
  await attempt(() => session.logout({ client: true }))
  await attempt(() => session.close())
  seen.push(session, fetch, person.outcomes, ...events)
  const credentials = server.requests.map(({ headers }) => headers['authorization']?.replace(/^\S+ /, '') ?? '')
  return {
    shown: seen.map(everythingShown).join('\n'),
    secrets: [...server.secrets(), ...credentials.filter(Boolean), 'canary-forged-code'],
    failures,
    asked: point => server.requestsTo(point).length,
  }
}

function leaksOf({ shown, secrets }: Pick<Life, 'shown' | 'secrets'>): readonly string[] {
  return secrets.filter(secret => formsOf(secret).some(form => shown.includes(form)))
}

const POINTS: readonly FaultPoint[] = [
  'resource-metadata',
  'server-metadata',
  'registration',
  'token:authorization_code',
  'token:refresh_token',
  'revocation',
  'mcp',
]

const FAULTS: readonly [string, Fault][] = [
  ['a 400', { kind: 'status', status: 400 }],
  ['a 503', { kind: 'status', status: 503 }],
  ['a page', { kind: 'html' }],
  ['an OAuth error', { kind: 'oauth-error', error: 'invalid_grant', description: 'no' }],
  ['an error that repeats what it was sent', { kind: 'echoing-error', error: 'invalid_grant' }],
  ['a redirect', { kind: 'redirect', to: 'https://elsewhere.example/', status: 307 }],
  ['a failed connection', { kind: 'connection-error' }],
  ['a lost answer', { kind: 'lost-answer' }],
  ['a huge body', { kind: 'huge-body', bytes: 1_100_000 }],
]

const MISBEHAVIOURS: readonly [string, Partial<Misbehaviours>][] = [
  ['iss is wrong', { iss: 'wrong' }],
  ['state is altered', { state: 'altered' }],
  ['the person is refused', { authorizationError: 'server_error' }],
  ['the issuer is another', { metadataIssuer: { value: 'https://elsewhere.example' } }],
  ['the resource is another', { resource: 'https://elsewhere.example' }],
  ['fresh tokens are rejected', { tokens: 'rejected' }],
  ['scopes are never enough', { insufficientScope: 'challenge-always' }],
  ['token types are unknown', { tokenType: 'mac' }],
  ['secrets are in the body', { registrationMethod: 'client_secret_post' }],
  ['answers are forms', { tokenFormat: 'form' }],
  ['errors come as 200', { errorStatus: 200, rotation: 'plain' }],
  ['clients expire', { secretLifetimeS: 1 }],
]

describe('no secret is ever shown: tokens, codes, client secrets, verifiers, states', () => {
  it('the life itself is whole, and its secrets are many', async () => {
    const life = await live({})
    expect(life.failures).toBe(2)
    for (const kind of ['access-token', 'refresh-token', 'code', 'client-secret']) {
      expect(life.secrets.some(secret => secret.startsWith(`canary-${kind}-`))).toBe(true)
    }
    expect(life.secrets.filter(secret => !secret.startsWith('canary-')).length).toBeGreaterThan(3)
    expect(leaksOf(life)).toEqual([])
  })

  it('the search would find a secret in the message, detail, stack and causes of an error, and in hidden members', () => {
    const secret = 'canary-code-0001'
    const deep = new Error('outer', {
      cause: new Error('inner', { cause: Object.assign(new TypeError('x'), { detail: { secret } }) }),
    })
    const hidden = Object.defineProperty({}, 'hidden', { value: secret, enumerable: false })
    for (const value of [new Error(secret), deep, hidden, [{ url: `https://x.example/?code=${secret}` }]]) {
      expect(leaksOf({ shown: everythingShown(value), secrets: [secret] })).toEqual([secret])
    }
  })

  describe.each(FAULTS)('when the answer is %s', (_, fault) => {
    it.each(POINTS)('at %s', async point => {
      const always = await live({ faults: { [point]: fault } })
      expect(always.asked(point)).toBeGreaterThan(0)
      expect(leaksOf(always)).toEqual([])
      const once = await live({ faults: { [point]: { ...fault, after: 1, times: 1 } } })
      expect(leaksOf(once)).toEqual([])
    })
  })

  it.each(MISBEHAVIOURS)('when %s', async (_, switches) => {
    expect(leaksOf(await live(switches))).toEqual([])
  })

  it.each([
    [401, 'invalid_token'],
    [403, 'insufficient_scope'],
  ])('when a %i challenge repeats the token', async (status, error) => {
    for (const after of [1, 2, 3]) {
      const life = await live({ faults: { mcp: { kind: 'echoing-error', status, error, after } } })
      expect(life.failures).toBeGreaterThan(1)
      expect(leaksOf(life)).toEqual([])
    }
  })
})
