import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CA, certificatePath, EXPIRED, SERVER } from '../node/certificates.ts'
import { createTestProxy } from '../node/proxy.ts'
import { always, closedPort, endpointOnly, serveBroken } from '../doctor/broken-server.ts'
import { runDoctor } from './doctor-run.ts'
import { createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const HTML = { 'content-type': 'text/html' }
const JSON_TYPE = { 'content-type': 'application/json' }
const RPC_ERROR = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}'
const UNKNOWN_REVISION =
  '{"jsonrpc":"2.0","error":{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2030-01-01"],"requested":"x"}}}'
const FIREWALL = '<html><title>Just a moment...</title></html>'

describe('doctor finds what is wrong before a login is even asked for', () => {
  it('field D17: nothing listens', async () => {
    const { run, errors } = await runDoctor(world, `http://127.0.0.1:${await closedPort()}/mcp`)
    expect([run.exitCode, errors]).toEqual([5, ['connection_failed']])
  })

  it('field D17: the name does not exist', async () => {
    const { run, errors } = await runDoctor(world, 'https://mcp.latchkey.invalid/mcp')
    expect([run.exitCode, errors]).toEqual([5, ['dns_failed']])
  })

  it.each([
    ['tls_untrusted', { ...SERVER }, 'localhost', false],
    ['tls_expired', { ...EXPIRED }, 'localhost', true],
    ['tls_wrong_host', { ...SERVER }, '127.0.0.2', true],
    [
      'tls_failed',
      { ...SERVER, ca: CA, requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' as const },
      'localhost',
      true,
    ],
  ])('field P2, P3: TLS fails: %s', async (code, tls, host, trusted) => {
    await using server = await serveBroken(always(200, {}), tls)
    const env = trusted ? { SSL_CERT_FILE: certificatePath('ca') } : {}
    const { run, errors } = await runDoctor(world, `https://${host}:${server.port}/mcp`, { env })
    expect([run.exitCode, errors]).toEqual([5, [code]])
  })

  it('plain http is spoken where https was expected', async () => {
    await using server = await serveBroken(always(200, {}))
    const { run, errors } = await runDoctor(world, `https://127.0.0.1:${server.port}/mcp`)
    expect([run.exitCode, errors]).toEqual([5, ['tls_failed']])
  })

  it('field P1: the proxy refuses, and is named without its password', async () => {
    await using proxy = await createTestProxy({ refuse: 403 })
    const env = { https_proxy: proxy.url.replace('//', '//me:proxy-password@'), no_proxy: '' }
    const { run, errors, diagnosis } = await runDoctor(world, 'https://mcp.latchkey.test/mcp', { env })
    expect([run.exitCode, errors]).toEqual([5, ['proxy_refused']])
    expect(diagnosis.steps[0]).toMatchObject({ step: 'proxy', received: expect.stringContaining(String(proxy.port)) })
    expect(run.stdout + run.stderr).not.toContain('proxy-password')
  })

  it.each([
    ['server_unavailable', always(503, {}, 'busy'), 5],
    ['endpoint_not_found', always(404, { 'content-type': 'text/plain' }, 'not found'), 5],
    ['web_page', always(200, HTML, '<!doctype html><title>Product</title>'), 5],
    ['not_mcp', always(200, JSON_TYPE, '{"hello":"world"}'), 5],
    ['firewall', always(403, { ...HTML, 'cf-mitigated': 'challenge' }, FIREWALL), 5],
    ['server_redirects', always(308, { location: 'https://elsewhere.example/mcp' }), 5],
    ['server_redirects', endpointOnly(302, { location: 'https://login.example/' }), 5],
    ['initialize_refused', always(200, JSON_TYPE, RPC_ERROR), 5],
    ['unsupported_revision', always(400, JSON_TYPE, UNKNOWN_REVISION), 5],
    ['no_oauth_metadata', endpointOnly(401), 4],
    ['no_oauth_metadata', endpointOnly(401, { 'www-authenticate': 'Basic realm="x"' }), 4],
    ['forbidden', endpointOnly(403), 4],
  ] as const)('the endpoint answers otherwise: %s', async (code, listener, exitCode) => {
    await using server = await serveBroken(listener)
    const { run, errors } = await runDoctor(world, `http://127.0.0.1:${server.port}/mcp`)
    expect([run.exitCode, errors], run.stdout).toEqual([exitCode, [code]])
  })

  it('field D6, D7: a site whose pages answer everywhere is not taken for one with OAuth', async () => {
    await using server = await serveBroken((request, response) =>
      request.url === '/mcp' ? response.writeHead(401).end() : response.writeHead(200, HTML).end('<html>app</html>'),
    )
    const { errors, infos } = await runDoctor(world, `http://127.0.0.1:${server.port}/mcp`)
    expect(errors).toEqual(['no_oauth_metadata'])
    expect(infos).toContain('well_known_web_pages')
  })

  it.skipIf(process.platform === 'win32')('field P7: a login is asked for over plain http', async () => {
    await using server = await serveBroken(endpointOnly(401))
    const { run, errors } = await runDoctor(world, `http://0.0.0.0:${server.port}/mcp`)
    expect([run.exitCode, errors]).toEqual([4, ['unencrypted_server']])
  })

  it('field X9: an Authorization header of one’s own is refused, and not shown', async () => {
    await using server = await serveBroken(endpointOnly(401))
    const args = ['--header', 'Authorization=MY_KEY']
    const env = { MY_KEY: 'Bearer my-secret-key' }
    const { run, errors } = await runDoctor(world, `http://127.0.0.1:${server.port}/mcp`, { args, env })
    expect([run.exitCode, errors]).toEqual([4, ['given_credentials_rejected']])
    expect(run.stdout + run.stderr).not.toContain('my-secret-key')
  })
})
