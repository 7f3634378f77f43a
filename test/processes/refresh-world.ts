import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFileStore } from '../../src/node/file-store.ts'
import type { CredentialKey, CredentialStore, StoredGrant } from '../../src/oauth/store/credential-store.ts'
import { temporaryFolder } from '../node/folder.ts'
import { startNode, type StartedProcess } from './started-process.ts'

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** One redemption of a refresh token, as the authorization server saw it. */
interface Redemption {
  readonly spent: string
  /** Milliseconds since the epoch when the request arrived. */
  readonly at: number
  readonly status: number
  readonly error?: string
  readonly next?: string
}

interface Report {
  readonly redemptions: readonly Redemption[]
  /** Authorization codes redeemed, the first login included. */
  readonly logins: number
}

/** Where a store is, for this process and for others. */
export interface SharedStore {
  readonly store: CredentialStore
  /** What `refresh-child.mjs` takes: a folder, or `redis:<port>:<key in hex>`. */
  readonly place: string
}

/** A server process, a store, and client processes that share both. */
export interface RefreshWorld {
  readonly url: string
  readonly key: CredentialKey
  readonly store: CredentialStore
  readonly server: StartedProcess
  command(...command: readonly unknown[]): void
  report(): Promise<Report>
  grant(): Promise<StoredGrant>
  /** Moves the times of the stored grant, as if it had been obtained earlier. */
  age(ms: number): Promise<void>
  client(what: string, ...args: readonly (string | number)[]): StartedProcess
  login(): Promise<void>
}

/** Starts the servers over an empty store: files unless `shared` is another. */
export async function createRefreshWorld(built: string, shared?: SharedStore): Promise<RefreshWorld> {
  const { store, place } = shared ?? (await filesInNewFolder())
  const server = startNode(script('refresh-server.mjs'), [join(built, 'testing.js')])
  const { url: origin } = JSON.parse(await server.said(line => line.includes('"url"'))) as { url: string }
  const url = `${origin}/mcp`
  const key = { server: url, profile: 'default' }
  const command = (...words: readonly unknown[]): void => server.tell(JSON.stringify(words))
  const client: RefreshWorld['client'] = (what, ...args) =>
    startNode(script('refresh-child.mjs'), [built, place, url, what, ...args.map(String)])
  return {
    url,
    key,
    store,
    server,
    command,
    client,
    async report() {
      const seen = server.lines.length
      command('report')
      const isReport = (line: string): boolean => line.startsWith('{"report"') && server.lines.indexOf(line) >= seen
      return (JSON.parse(await server.said(isReport)) as { report: Report }).report
    },
    async grant() {
      const grant = (await store.get(key))?.record.issuers[origin]?.grant
      if (!grant) throw new Error('nobody is logged in')
      return grant
    },
    async age(ms) {
      const { version, record } = (await store.get(key))!
      const { grant, ...credentials } = record.issuers[origin]!
      const aged = { ...grant!, obtainedAt: grant!.obtainedAt - ms, expiresAt: grant!.expiresAt! - ms }
      await store.compareAndSet(key, version, { ...record, issuers: { [origin]: { ...credentials, grant: aged } } })
    },
    async login() {
      if ((await client('login').ended) !== 0) throw new Error('the first login failed')
    },
  }
}

async function filesInNewFolder(): Promise<SharedStore> {
  const place = join(await temporaryFolder(), 'credentials')
  return { store: createFileStore({ directory: place }), place }
}
