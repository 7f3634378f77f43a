import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from '../../src/redis.ts'

const executable = ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server'].find(
  existsSync,
)
const required = Boolean(process.env['LATCHKEY_REQUIRE_REDIS'] ?? process.env['CI'])

/** Whether the suites that need a Redis server are left out. Where one is required, its absence is a failure instead. */
export const withoutRedis = !executable && !required

if (withoutRedis) {
  console.warn('skipped: no redis-server is installed, so nothing was tried over Redis (apt-get install redis-server)')
}

/** A Redis server of its own, on a free port, with a folder of its own. */
export interface RedisServer {
  readonly port: number
  /** Starts it again, over what it had saved. */
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGKILL, and removes the folder. */
  remove(): Promise<void>
}

/** Starts a Redis server; with `durable`, what was written outlives a kill. */
export async function startRedis({ durable = false }: { readonly durable?: boolean } = {}): Promise<RedisServer> {
  if (!executable) throw new Error('Redis is required here and not installed: apt-get install redis-server')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  const port = await freePort()
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--loglevel', 'warning']
  flags.push(...(durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']))
  let running: ChildProcess | undefined
  const server: RedisServer = {
    port,
    async start() {
      running = spawn(executable, flags, { stdio: 'ignore' })
      await answering(port)
    },
    async kill() {
      if (!running) return
      const ended = once(running, 'exit')
      running.kill('SIGKILL')
      running = undefined
      await ended
    },
    async remove() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answering(port: number): Promise<void> {
  const probe = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: 500 })
  probe.on('error', () => undefined)
  try {
    // While it loads it listens and answers with an error.
    while ((await probe.ping().catch(() => 'LOADING')) !== 'PONG') await pause(20)
  } finally {
    probe.disconnect()
  }
}

/** A connected client of either package. */
export interface ConnectedClient {
  readonly client: RedisClient
  close(): void
}

export type ClientPackage = 'redis' | 'ioredis'
export const CLIENT_PACKAGES: readonly ClientPackage[] = ['redis', 'ioredis']

/** Connects a client with its own defaults, as a program would. */
export async function connectClient(name: ClientPackage, port: number): Promise<ConnectedClient> {
  if (name === 'ioredis') {
    const client = new Redis({ host: '127.0.0.1', port })
    client.on('error', () => undefined)
    return { client, close: () => client.disconnect() }
  }
  const client = createClient({ socket: { host: '127.0.0.1', port } })
  client.on('error', () => undefined)
  await client.connect()
  return { client, close: () => client.destroy() }
}
