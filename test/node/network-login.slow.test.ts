import { type AddressInfo, connect as connectTo } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/node/connect.ts'
import { createDefaultSession, defaultFetch } from '../../src/node/default-session.ts'
import { listen } from '../../src/node/listen.ts'
import type { NetworkOptions } from '../../src/node/network-fetch.ts'
import { createHostResolver } from '../../src/node/resolve-host.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { createMisbehavingServer, type MisbehavingServer } from '../../src/testing/misbehaving-server.ts'
import { CA, certificatePath, CLIENT, SERVER } from './certificates.ts'
import { createTestProxy, type TestProxy } from './proxy.ts'

const MCP = 'https://mcp.latchkey.test/mcp'
const ISSUER = 'https://as.latchkey.test'

interface Enterprise extends AsyncDisposable {
  readonly server: MisbehavingServer
  readonly proxy: TestProxy
  /** The hosts that were asked of the proxy. */
  hosts(): ReadonlySet<string>
}

/** An MCP server and its authorization server that only the proxy knows the way to. */
async function createEnterprise({ wantsClientCertificates = false } = {}): Promise<Enterprise> {
  const server = createMisbehavingServer({ issuers: [ISSUER, 'https://two.latchkey.test'], mcpUrl: MCP })
  const listener = await listen(
    request => server.handle(new Request(request.url.replace('http:', 'https:'), request)),
    { host: '127.0.0.1' },
  )
  const tls = { ...SERVER, ca: CA, requestCert: wantsClientCertificates, rejectUnauthorized: wantsClientCertificates }
  const front = createServer(tls, socket => {
    const onward = connectTo(listener.port, '127.0.0.1')
    for (const each of [socket, onward]) each.on('error', () => each.destroy())
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
  const { port } = front.address() as AddressInfo
  const proxy = await createTestProxy({ portOf: () => port })
  return {
    server,
    proxy,
    hosts: () => new Set(proxy.seen.map(line => line.replace('CONNECT ', ''))),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await listener.close()
      await new Promise(resolve => front.close(resolve))
    },
  }
}

const oauthFor = ({ server }: Enterprise) => ({
  store: createMemoryStore(),
  grant: authorizationCode({ authorizer: server.authorizer() }),
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('connect on an enterprise network', () => {
  it('field P1, P2: every leg of a login and of the calls after it goes through the proxy and trusts the same CA', async () => {
    await using world = await createEnterprise()
    vi.stubEnv('https_proxy', world.proxy.url)
    vi.stubEnv('no_proxy', '')
    vi.stubEnv('SSL_CERT_FILE', certificatePath('ca'))
    await using client = await connect(MCP, { oauth: oauthFor(world) })
    await client.callTool('echo')
    world.server.rejectAccessTokens()
    await client.callTool('echo')
    // No name here resolves, so that whatever arrived came through the proxy.
    const steps = new Set(world.server.requests.map(({ step }) => step))
    expect([...steps]).toEqual(
      expect.arrayContaining(['mcp', 'resource-metadata', 'server-metadata', 'registration', 'token']),
    )
    expect(world.server.requestsTo('token:refresh_token')).toHaveLength(1)
    expect(world.hosts()).toEqual(new Set(['mcp.latchkey.test:443', 'as.latchkey.test:443']))
  })

  it('field P1: by option as well, for a session and for connect', async () => {
    await using world = await createEnterprise()
    const network: NetworkOptions = { ca: CA, env: { HTTPS_PROXY: world.proxy.url } }
    const oauth = oauthFor(world)
    await using session = createDefaultSession(MCP, { ...oauth, network })
    await session.login()
    await using client = await connect(MCP, { oauth, network })
    await client.callTool('echo')
    expect(world.server.requestsTo('authorize')).toHaveLength(1)
  })

  it('field P2: an unknown CA is told alike by the login and by the calls, with what to do', async () => {
    await using world = await createEnterprise()
    const network: NetworkOptions = { env: { HTTPS_PROXY: world.proxy.url } }
    const expected = {
      code: 'network',
      message: expect.stringMatching(/its certificate chain holds a self-signed certificate/),
      detail: { hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') },
    }
    await using session = createDefaultSession(MCP, { ...oauthFor(world), network })
    await expect(session.login()).rejects.toMatchObject({ name: 'OAuthError', ...expected })
    const headers = { authorization: 'Bearer key' }
    await expect(connect(MCP, { network, headers })).rejects.toMatchObject({ name: 'TransportError', ...expected })
  })

  it('field P3: client certificates are shown on every leg, the token endpoint included, and missing at one it is told', async () => {
    await using world = await createEnterprise({ wantsClientCertificates: true })
    const env = { HTTPS_PROXY: world.proxy.url }
    const clientCertificates = { 'https://mcp.latchkey.test': CLIENT, [ISSUER]: CLIENT }
    const network: NetworkOptions = { ca: CA, clientCertificates, env }
    await using client = await connect(MCP, { oauth: oauthFor(world), network })
    await client.callTool('echo')
    expect(world.server.requestsTo('token')).toHaveLength(1)
    const one: NetworkOptions = { ca: CA, clientCertificates: { 'https://mcp.latchkey.test': CLIENT }, env }
    await using session = createDefaultSession(MCP, { ...oauthFor(world), network: one })
    await expect(session.login()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining(ISSUER),
      detail: { hint: expect.stringContaining('client certificate') },
    })
  })

  it('field D17: a proxy that lets nothing through is told as that, and what it wants', async () => {
    for (const [status, hint] of [
      [407, 'user name and password'],
      [403, 'Ask who runs the proxy'],
    ] as const) {
      await using proxy = await createTestProxy({ refuse: status })
      const network: NetworkOptions = { env: { HTTPS_PROXY: proxy.url } }
      const grant = authorizationCode({ authorizer: { prepare: () => expect.fail('nobody is asked') } })
      await using session = createDefaultSession(MCP, { store: createMemoryStore(), grant, network })
      await expect(session.login()).rejects.toMatchObject({
        code: 'network',
        retryable: true,
        message: expect.stringContaining(`(HTTP ${status}) (proxy)`),
        detail: { hint: expect.stringContaining(hint) },
      })
    }
  })

  it('an address of a proxy that cannot be read is told as that, without what may be a password', async () => {
    const network: NetworkOptions = { env: { HTTPS_PROXY: 'ftp://me:secret@proxy.test' } }
    await using session = createDefaultSession(MCP, { store: createMemoryStore(), network })
    const error = await session.login().catch((caught: unknown) => caught as Error)
    expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining('HTTPS_PROXY') })
    expect(JSON.stringify(error) + (error as Error).message).not.toContain('secret')
  })

  it('both a fetch and a network are refused: the one would not know of the other', () => {
    expect(() => defaultFetch({ fetch: globalThis.fetch, network: {} })).toThrow(
      expect.objectContaining({ code: 'configuration' }),
    )
    expect(defaultFetch({ fetch: globalThis.fetch })).toBe(globalThis.fetch)
  })

  it('names are left to the proxy, but for those that are reached directly', async () => {
    const resolve = createHostResolver({ HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: '0.0.0.0' })
    expect(await resolve('93.184.215.14')).toEqual([])
    expect(await resolve('0.0.0.0')).toEqual(['0.0.0.0'])
    expect(await resolve('localhost')).not.toEqual([])
    expect(await createHostResolver({})('93.184.215.14')).toEqual(['93.184.215.14'])
  })
})
