// One client process of test/processes/refresh.test.ts:
// node refresh-child.mjs <built folder> <store> <MCP URL> <what> [calls] [pause in ms] [lock time-out in ms]
import { writeSync } from 'node:fs'
import { once } from 'node:events'

const [, , built, place, url, what, calls = '1', pauseMs = '0', lockTimeoutMs] = process.argv
const { createOAuthSession, authorizationCode, withOAuth } = await import(`${built}/oauth.js`)
// A synchronous write: what was said before a kill -9 has been said.
const say = line => writeSync(1, `${line}\n`)

/** A person who agrees at once. */
const authorizer = {
  async prepare() {
    return {
      redirectUri: 'http://127.0.0.1:33418/callback',
      async authorize(page, handle) {
        say('login')
        const response = await fetch(page, { redirect: 'manual' })
        await handle(new URL(response.headers.get('location')).searchParams)
      },
      async close() {},
    }
  },
}

/** A folder, or `redis:<port>:<key in hex>`. */
async function openStore() {
  const options = lockTimeoutMs ? { lockTimeoutMs: Number(lockTimeoutMs) } : {}
  if (!place.startsWith('redis:')) {
    const { createFileStore } = await import(`${built}/node/file-store.js`)
    return createFileStore({ directory: place, ...options })
  }
  const { Redis } = await import('ioredis')
  const { createRedisStore } = await import(`${built}/redis.js`)
  const [, port, key] = place.split(':')
  client = new Redis({ port: Number(port) })
  return createRedisStore({ client, key: new Uint8Array(Buffer.from(key, 'hex')), lockLeaseMs: 1_500, ...options })
}
let client

/** So that the server knows who redeems. */
function signedFetch(input, init) {
  const headers = new Headers(init?.headers)
  headers.set('x-process', String(process.pid))
  return fetch(input, { ...init, headers })
}

const session = createOAuthSession({
  fetch: signedFetch,
  server: url,
  store: await openStore(),
  grant: authorizationCode({ authorizer }),
  interactive: what !== 'callUnattended',
})
const authorizedFetch = withOAuth(fetch, session)

async function call(signal) {
  const response = await authorizedFetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }),
    signal,
  })
  const text = await response.text()
  if (!text.includes('"result"')) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`)
}

async function callAll() {
  say('ready')
  await once(process.stdin, 'data')
  process.stdin.destroy()
  for (let made = 0; made < Number(calls); made++) {
    await call().then(
      () => say('ok'),
      error => say(`failed ${error.code ?? ''} ${error.message} ${error.cause?.message ?? ''}`),
    )
    await new Promise(resolve => setTimeout(resolve, Math.random() * 2 * Number(pauseMs)))
  }
}

const commands = {
  async login() {
    await session.login()
  },
  call: callAll,
  callUnattended: callAll,
  /** Gives up its only call when told to, and then has nothing more to do. */
  async abandon() {
    const controller = new AbortController()
    process.stdin.once('data', () => {
      controller.abort()
      process.stdin.destroy()
    })
    await call(controller.signal).catch(error => say(error.name))
  },
}

await commands[what]()
client?.disconnect()
