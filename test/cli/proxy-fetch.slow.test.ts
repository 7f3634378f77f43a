import { describe, expect, it } from 'vitest'
import { createFetch } from '../../cli/src/proxy-fetch.ts'
import { createNetworkFetch } from '../../src/node/network-fetch.ts'
import { CA, certificatePath, SERVER } from '../node/certificates.ts'
import { createTestProxy, type TestProxy } from '../node/proxy.ts'
import { createWorld, type World } from './world.ts'

interface Enterprise extends AsyncDisposable {
  readonly world: World
  readonly proxy: TestProxy
  readonly env: Readonly<Record<string, string>>
}

/** A world whose names only a proxy can resolve, with certificates of its own CA. */
async function createEnterprise(): Promise<Enterprise> {
  const hosted: { port?: number; visitWith?: typeof globalThis.fetch } = {}
  const proxy = await createTestProxy({ portOf: () => hosted.port })
  const world = await createWorld(
    { issuers: ['https://as.latchkey.test', 'https://two.latchkey.test'], mcpUrl: 'https://mcp.latchkey.test/mcp' },
    {
      tls: SERVER,
      // A browser has its own way through the proxy; only what the command line asks for is counted.
      visitWith: async (input, init) => visit(input, init),
    },
  )
  hosted.port = world.port
  const browserProxy = await createTestProxy({ portOf: () => world.port })
  const visit = createNetworkFetch({ ca: CA, env: { HTTPS_PROXY: browserProxy.url } })
  return {
    world,
    proxy,
    env: {
      https_proxy: proxy.url.replace('//', '//me:proxy-password@'),
      no_proxy: '',
      SSL_CERT_FILE: certificatePath('ca'),
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
      await browserProxy[Symbol.asyncDispose]()
    },
  }
}

describe('the command line on an enterprise network', () => {
  it('is on the global fetch where the environment says nothing', async () => {
    expect(await createFetch({})).toBe(globalThis.fetch)
  })

  it('field P1, P2: logs in and calls through the proxy of the environment, trusting its CA, and says so once', async () => {
    await using enterprise = await createEnterprise()
    const { world, proxy, env } = enterprise
    const { exitCode, stderr, stdout } = await world.run(['call', world.url, 'echo', '--login', '--verbose'], { env })
    expect(exitCode, stderr).toBe(0)
    expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT mcp.latchkey.test:443', 'CONNECT as.latchkey.test:443']))
    const line = `requests to mcp.latchkey.test go through the proxy 127.0.0.1:${proxy.port}`
    expect(stderr.split(line)).toHaveLength(2)
    expect(stdout + stderr).not.toContain('proxy-password')
    expect(proxy.credentials).toContain(`Basic ${btoa('me:proxy-password')}`)
  })

  it('field P2: without the CA, says what is wrong with the certificate and which variable helps', async () => {
    await using enterprise = await createEnterprise()
    const { world, env } = enterprise
    for (const args of [
      ['login', world.url],
      ['tools', world.url],
    ]) {
      const { exitCode, stderr } = await world.run(args, { env: { ...env, SSL_CERT_FILE: '' } })
      expect(exitCode).not.toBe(0)
      expect(stderr).toContain('its certificate cannot be verified')
      expect(stderr).toContain('NODE_EXTRA_CA_CERTS')
    }
  })

  it('field P1: an Authorization header of the person goes through the proxy as well', async () => {
    await using enterprise = await createEnterprise()
    const { world, proxy, env } = enterprise
    const args = ['tools', world.url, '--verbose', '--header', 'Authorization=TOKEN']
    const { stderr } = await world.run(args, { env: { ...env, TOKEN: 'Bearer key' } })
    expect(stderr).toContain('go through the proxy')
    expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT mcp.latchkey.test:443']))
  })
})
