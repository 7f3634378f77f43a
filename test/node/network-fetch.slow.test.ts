import { writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { networkFailure } from '../../src/network/network-failure.ts'
import { createNetworkFetch } from '../../src/node/network-fetch.ts'
import { CA, certificatePath, CLIENT, EXPIRED, SERVER } from './certificates.ts'
import { temporaryFolder } from './folder.ts'
import { createTestProxy } from './proxy.ts'

const servers: (Server | HttpServer)[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

async function listening(server: Server | HttpServer): Promise<number> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
  return (server.address() as AddressInfo).port
}

/** An https server that says whose client certificate it was shown. */
function secure(options: { readonly cert?: string; readonly redirectTo?: string; readonly wants?: boolean } = {}) {
  const { cert = SERVER.cert, redirectTo, wants = false } = options
  const shown: unknown[] = []
  const server = createServer(
    { key: SERVER.key, cert, ca: CA, requestCert: true, rejectUnauthorized: wants },
    (request, response) => {
      shown.push((request.socket as tls.TLSSocket).getPeerCertificate().subject?.CN)
      if (redirectTo !== undefined) response.writeHead(307, { location: redirectTo })
      response.end('secure')
    },
  )
  return { shown, listening: () => listening(server) }
}

const absent = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' }))

async function failure(
  promise: Promise<unknown>,
): Promise<{ readonly message: string; readonly cause?: { code?: string } }> {
  return promise.then(
    () => expect.fail('did not fail'),
    (error: unknown) => error as { message: string; cause?: { code?: string } },
  )
}

describe('field P1: proxies of the environment', () => {
  it('is the global fetch where nothing is asked for', () => {
    expect(createNetworkFetch({ env: {}, load: absent })).toBe(globalThis.fetch)
    expect(createNetworkFetch({ env: { HTTPS_PROXY: '', http_proxy: ' ' }, load: absent })).toBe(globalThis.fetch)
  })

  it('sends http as absolute requests, with the credentials of the address, also without a password', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('direct')))
    await using proxy = await createTestProxy({ portOf: () => port })
    const withUser = (user: string): string => proxy.url.replace('//', `//${user}@`)
    for (const user of ['me:p%40ss', 'token']) {
      const fetch = createNetworkFetch({ env: { http_proxy: withUser(user) } })
      expect(await (await fetch('http://mcp.latchkey.test/mcp', { method: 'POST', body: 'x' })).text()).toBe('direct')
    }
    expect(proxy.seen).toEqual(['POST http://mcp.latchkey.test/mcp', 'POST http://mcp.latchkey.test/mcp'])
    expect(proxy.credentials).toEqual(['me:p@ss', 'token:'].map(text => `Basic ${btoa(text)}`))
  })

  it('tunnels https, through a proxy that itself speaks TLS too, and takes a Request as well as a URL', async () => {
    const port = await secure().listening()
    for (const tls of [undefined, SERVER]) {
      await using proxy = await createTestProxy({ portOf: () => port, ...(tls && { tls }) })
      const fetch = createNetworkFetch({ ca: CA, env: { HTTPS_PROXY: proxy.url } })
      expect(await (await fetch(new Request('https://mcp.latchkey.test/'))).text()).toBe('secure')
      expect(await (await fetch(new URL('https://mcp.latchkey.test:8443/'))).text()).toBe('secure')
      expect(proxy.seen).toEqual(['CONNECT mcp.latchkey.test:443', 'CONNECT mcp.latchkey.test:8443'])
    }
  })

  it.skipIf(process.platform === 'win32')('NO_PROXY is reached directly', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('direct')))
    await using proxy = await createTestProxy({ refuse: 502 })
    const fetch = createNetworkFetch({ env: { HTTP_PROXY: proxy.url, NO_PROXY: '0.0.0.0' } })
    expect(await (await fetch(`http://0.0.0.0:${port}/`)).text()).toBe('direct')
    expect(proxy.seen).toEqual([])
    const other = createNetworkFetch({ env: { HTTP_PROXY: proxy.url, NO_PROXY: 'elsewhere.test' } })
    expect((await other(`http://0.0.0.0:${port}/`)).status).toBe(502)
  })

  it('this machine is never reached through a proxy: what is sent in the clear must not leave it', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('direct')))
    await using proxy = await createTestProxy()
    const fetch = createNetworkFetch({ env: { HTTP_PROXY: proxy.url } })
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe('direct')
    }
    expect(proxy.seen).toEqual([])
  })

  it('says what to install where undici is absent, and only for what needs it', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('direct')))
    const fetch = createNetworkFetch({ env: { HTTPS_PROXY: 'http://me:secret@proxy.test:3128' }, load: absent })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('direct')
    const error = await failure(fetch('https://mcp.latchkey.test/'))
    expect(error).toMatchObject({
      code: 'configuration',
      detail: { hint: expect.stringContaining('npm install undici@7') },
    })
    expect(error.message).toContain('proxy.test:3128')
    expect(error.message).not.toContain('secret')
    const withCa = createNetworkFetch({ ca: CA, env: {}, load: absent })
    await expect(withCa('https://mcp.latchkey.test/')).rejects.toMatchObject({ code: 'configuration' })
  })

  it('takes another major version of undici for none', async () => {
    const fetch = createNetworkFetch({ env: { HTTPS_PROXY: 'http://proxy.test' }, load: async () => ({ Agent: Map }) })
    await expect(fetch('https://mcp.latchkey.test/')).rejects.toMatchObject({ code: 'configuration' })
  })
})

describe('field P2: CAs besides those of Node', () => {
  it('are trusted directly and through a proxy, given as text or by SSL_CERT_FILE, and nothing else is', async () => {
    const port = await secure().listening()
    await using proxy = await createTestProxy({ portOf: () => port })
    const env = { HTTPS_PROXY: proxy.url }
    const direct = `https://localhost:${port}/`
    for (const options of [
      { ca: CA, env },
      { ca: [CA], env },
      { env: { ...env, SSL_CERT_FILE: certificatePath('ca') } },
    ]) {
      const fetch = createNetworkFetch(options)
      expect(await (await fetch(direct)).text()).toBe('secure')
      expect(await (await fetch('https://mcp.latchkey.test/')).text()).toBe('secure')
    }
    expect(await failure(createNetworkFetch({ env })('https://mcp.latchkey.test/'))).toMatchObject({
      cause: { code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    })
  })

  it('a name that the certificate is not for, and an expired one, are still refused', async () => {
    const port = await secure().listening()
    await using proxy = await createTestProxy({ portOf: () => port })
    const fetch = createNetworkFetch({ ca: CA, env: { HTTPS_PROXY: proxy.url } })
    expect(networkFailure(await failure(fetch('https://elsewhere.test/'))).words).toBe(
      'its certificate is for another host, issued by "Latchkey test CA"',
    )
    const expired = await secure({ cert: EXPIRED.cert }).listening()
    expect((await failure(fetch(`https://localhost:${expired}/`))).cause?.code).toBe('CERT_HAS_EXPIRED')
  })

  it('an SSL_CERT_FILE that cannot be read, or undici for it, is no reason to fail', async () => {
    const port = await listening(createHttpServer((_, response) => response.end('direct')))
    expect(createNetworkFetch({ env: { SSL_CERT_FILE: '/does/not/exist' }, load: absent })).toBe(globalThis.fetch)
    const fetch = createNetworkFetch({ env: { SSL_CERT_FILE: certificatePath('ca') }, load: absent })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('direct')
  })

  it('an SSL_CERT_FILE with nothing but what Node trusts anyway changes nothing', async () => {
    const own = join(await temporaryFolder(), 'own.pem')
    await writeFile(own, tls.rootCertificates.slice(0, 20).join('\r\n'))
    expect(createNetworkFetch({ env: { SSL_CERT_FILE: own } })).toBe(globalThis.fetch)
  })

  // Newer versions of Node say what they read when the process started.
  it.skipIf('getCACertificates' in tls)('nor does one that NODE_EXTRA_CA_CERTS names as well', () => {
    const file = certificatePath('ca')
    expect(createNetworkFetch({ env: { SSL_CERT_FILE: file, NODE_EXTRA_CA_CERTS: file } })).toBe(globalThis.fetch)
  })

  it.each([
    ['a path for a text', { ca: '/etc/ssl/ca.pem' }],
    ['a damaged CA', { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }],
    ['a key of another certificate', { clientCertificates: { 'https://a.test': { ...CLIENT, key: SERVER.key } } }],
    ['an origin with a path', { clientCertificates: { 'https://a.test/mcp': CLIENT } }],
    ['an origin of plain http', { clientCertificates: { 'http://a.test': CLIENT } }],
  ])('%s is refused at once', (_, options) => {
    expect(() => createNetworkFetch({ ...options, env: {} })).toThrow(
      expect.objectContaining({ name: 'OAuthError', code: 'configuration' }),
    )
  })
})

describe('field P3: client certificates', () => {
  it('are shown to their origin, directly and through a proxy', async () => {
    const server = secure({ wants: true })
    const port = await server.listening()
    await using proxy = await createTestProxy({ portOf: () => port })
    const clientCertificates = { [`https://localhost:${port}`]: CLIENT, 'https://MCP.latchkey.test:443/': CLIENT }
    const fetch = createNetworkFetch({ ca: CA, clientCertificates, env: { HTTPS_PROXY: proxy.url } })
    expect(await (await fetch(`https://localhost:${port}/`)).text()).toBe('secure')
    expect(await (await fetch('https://mcp.latchkey.test/')).text()).toBe('secure')
    expect(server.shown).toEqual(['latchkey test client', 'latchkey test client'])
    const missed = networkFailure(await failure(fetch('https://as.latchkey.test/')))
    expect(missed).toMatchObject({ kind: 'connect', hint: expect.stringContaining('client certificate') })
  })

  it('never to another origin, not even after a redirect', async () => {
    const other = secure()
    const otherPort = await other.listening()
    const server = secure({ redirectTo: `https://localhost:${otherPort}/` })
    const port = await server.listening()
    const clientCertificates = { [`https://localhost:${port}`]: CLIENT }
    const fetch = createNetworkFetch({ ca: CA, clientCertificates, env: {} })
    expect(await (await fetch(`https://localhost:${port}/`)).text()).toBe('secure')
    expect(await (await fetch(`https://127.0.0.1:${port}/`, { redirect: 'manual' })).text()).toBe('secure')
    expect(server.shown).toEqual(['latchkey test client', undefined])
    expect(other.shown).toEqual([undefined])
  })
})
