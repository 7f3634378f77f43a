// What the credentials cost: per authorized call, per read and write of a store, per refresh. Plain node on the built library.
// node bench/credentials.mjs [folder of the built library]
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const built = resolve(process.argv[2] ?? new URL('../dist', import.meta.url).pathname)
const { authorizationCode, createMemoryStore, createOAuthSession, withOAuth } = await import(`${built}/oauth.js`)
const { createFileStore } = await import(`${built}/node/file-store.js`)
const { createMisbehavingServer } = await import(`${built}/testing/misbehaving-server.js`)

const ROUNDS = 7
const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
const stores = {
  memory: createMemoryStore(),
  'encrypted files': createFileStore({ directory: join(folder, 'credentials') }),
}

/** Microseconds for one `operation` in the best of several rounds: the one that was disturbed least. */
async function microseconds(times, operation) {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round <= ROUNDS; round++) {
    const started = performance.now()
    for (let run = 0; run < times; run++) await operation()
    // The first round warms up.
    if (round > 0) best = Math.min(best, ((performance.now() - started) * 1000) / times)
  }
  return best
}

const clock = { skippedMs: 0 }
const now = () => Date.now() + clock.skippedMs

/** A session that is logged in, at a server without a network. */
async function loggedIn(store) {
  const server = createMisbehavingServer({ now })
  const grant = authorizationCode({ authorizer: server.authorizer() })
  const session = createOAuthSession({ server: server.mcpUrl, store, grant, fetch: server.fetch, now })
  await session.login()
  return { server, session, key: { server: server.mcpUrl, profile: 'default' } }
}

function report(what, value, remark = '') {
  const figure = value < 10 ? value.toFixed(1) : Math.round(value).toString()
  console.log(`${what.padEnd(44)}${figure.padStart(8)} µs  ${remark}`.trimEnd())
}

const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } })
const init = { method: 'POST', body, headers: { 'content-type': 'application/json', accept: 'application/json' } }
const answer = async () => new Response('{}')

try {
  console.log(`node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores\n`)
  for (const [name, store] of Object.entries(stores)) {
    const { server, session, key } = await loggedIn(store)
    const token = await session.accessToken()
    const bare = (input, { headers: given, ...rest }) => {
      const headers = new Headers(given)
      headers.set('authorization', `Bearer ${token}`)
      return answer(input, { ...rest, headers })
    }
    const authorized = withOAuth(answer, session)
    const bareCost = await microseconds(20_000, () => bare(server.mcpUrl, init))
    const cost = await microseconds(20_000, () => authorized(server.mcpUrl, init))
    console.log(`${name}`)
    report('  call, bare fetch wrapper', bareCost)
    report(
      '  call, authorized',
      cost,
      `${(cost / bareCost).toFixed(1)} × bare, ${(cost - bareCost).toFixed(1)} µs more`,
    )
    report('  get', await microseconds(300, () => store.get(key)))
    const writes = name === 'memory' ? 300 : 50
    let { version, record } = await store.get(key)
    report(
      '  compareAndSet',
      await microseconds(writes, async () => {
        version = await store.compareAndSet(key, version, record)
      }),
    )
    report('  withLock, nobody else', await microseconds(writes, () => store.withLock(key, async () => undefined)))
    const refresh = await microseconds(writes, async () => {
      clock.skippedMs += 3_600_000
      await session.accessToken()
    })
    report('  refresh, without the network', refresh, 'lock, two reads and writes, the metadata checked again')
    console.log()
    await session.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
