import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Run, runBinary } from '../cli/world.ts'
import { certificatePath, SERVER } from './certificates.ts'
import { createTestProxy } from './proxy.ts'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'

const child = fileURLToPath(new URL('network-child.mjs', import.meta.url))
const URL_BEHIND_PROXY = 'https://mcp.latchkey.test/'

describe('a process on an enterprise network', () => {
  let library: BuiltLibrary
  let server: Server

  beforeAll(async () => {
    library = await buildLibrary()
    server = createServer({ ...SERVER, keepAliveTimeout: 600_000 }, (_, response) => response.end('secure'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
    library.remove()
  })

  const run = (env: Readonly<Record<string, string>>): Promise<Run> =>
    runBinary(child, [join(library.folder, 'node.js'), URL_BEHIND_PROXY], { env, input: '' })
  const portOf = (): number => (server.address() as AddressInfo).port

  it('field P1: ends by itself although the connections of its fetch are kept for the next request', async () => {
    await using proxy = await createTestProxy({ portOf })
    const result = await run({ HTTPS_PROXY: proxy.url, SSL_CERT_FILE: certificatePath('ca') })
    expect(result).toEqual({ exitCode: 0, stdout: 'secure\nsecure\n', stderr: '' })
    expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT mcp.latchkey.test:443']))
  })

  it('field P2: trusts NODE_EXTRA_CA_CERTS through the proxy, alone and besides another CA', async () => {
    await using proxy = await createTestProxy({ portOf })
    const env = { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: certificatePath('ca') }
    const other = { ...env, SSL_CERT_FILE: certificatePath('client') }
    for (const each of [env, other]) expect((await run(each)).stdout).toBe('secure\nsecure\n')
    expect((await run({ HTTPS_PROXY: proxy.url })).stdout).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE\n')
  })
})
