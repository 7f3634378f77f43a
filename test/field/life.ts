import type { OAuthEvent } from '../../src/oauth/events.ts'
import { authorizationCode, type AuthorizationCodeOptions } from '../../src/oauth/flows/authorization-code.ts'
import { createOAuthSession, type OAuthSession } from '../../src/oauth/session.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { withOAuth } from '../../src/oauth/with-oauth.ts'
import {
  createMisbehavingServer,
  type MisbehavingServer,
  type MisbehavingServerOptions,
} from '../../src/testing/misbehaving-server.ts'
import type { TestAuthorizer, TestAuthorizerOptions } from '../../src/testing/test-authorizer.ts'

export const START = Date.UTC(2026, 10, 21)

export interface ClientOptions extends Partial<Omit<OAuthSessionOptions, 'grant'>> {
  readonly grant?: AuthorizationCodeOptions
  readonly person?: TestAuthorizerOptions
}

/** One client: a session, its `fetch`, and the person in front of it. */
export interface LifeClient {
  readonly session: OAuthSession
  readonly person: TestAuthorizer
  readonly fetch: typeof globalThis.fetch
  /** Calls a tool and resolves to its status and text. */
  call(tool: string): Promise<{ readonly status: number; readonly text: string }>
}

/** A machine, a clock and a store, and clients that share them. A new client over the old store is a restart. */
export function createLife(options: MisbehavingServerOptions = {}) {
  const clock = { now: START }
  const server = createMisbehavingServer({ now: () => clock.now, ...options })
  const store = createMemoryStore()
  const events: OAuthEvent[] = []

  const client = (given: ClientOptions = {}): LifeClient => {
    const { grant, person: personOptions, ...sessionOptions } = given
    const person = server.authorizer(personOptions)
    const session = createOAuthSession({
      server: server.mcpUrl,
      store,
      fetch: server.fetch,
      now: () => clock.now,
      sleep: async () => undefined,
      onEvent: event => events.push(event),
      grant: authorizationCode({ authorizer: person, ...grant }),
      ...sessionOptions,
    })
    const fetch = withOAuth(sessionOptions.fetch ?? server.fetch, session)
    return { session, person, fetch, call: tool => callTool(fetch, session.server, tool) }
  }

  return {
    clock,
    server,
    store,
    events,
    client,
    /** Lets everything issued so far expire. */
    expire: () => {
      clock.now += 3_600_000
    },
    /** Where a person was taken. */
    authorizations: () => visits(server, false),
    /** Looks at the authorization page that the client took by itself. */
    looks: () => visits(server, true),
    refreshes: () => server.requestsTo('token:refresh_token'),
    issues: (type: OAuthEvent['type']) => events.filter(event => event.type === type),
  }
}

function visits(server: MisbehavingServer, byClient: boolean): readonly URL[] {
  const requests = server.requestsTo('authorize').filter(({ headers }) => 'user-agent' in headers === byClient)
  return requests.map(({ url }) => new URL(url))
}

export type Life = ReturnType<typeof createLife>

export async function callTool(fetch: typeof globalThis.fetch, url: string, name: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  })
  const text = await response.text()
  const message = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}
  return { status: response.status, text: String(message.result?.content?.[0]?.text ?? text) }
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<any> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** Lets everything run until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  // Turns, for some tests stop the clock; many, for on a busy machine a thousand are over in no time.
  for (let turn = 0; turn < 200_000 && !condition(); turn += 1) await new Promise(resolve => setImmediate(resolve))
  if (!condition()) throw new Error('it did not come about')
}

/** A promise that the test settles. */
export function deferred(): { readonly promise: Promise<void>; readonly release: () => void } {
  let release: (() => void) | undefined
  const promise = new Promise<void>(resolve => {
    release = resolve
  })
  return { promise, release: () => release?.() }
}
