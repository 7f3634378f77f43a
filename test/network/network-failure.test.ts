import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { toNetworkError as toTransportError } from '../../src/http/network-error.ts'
import { findCodedError } from '../../src/network/error-code.ts'
import { networkFailure } from '../../src/network/network-failure.ts'
import { createNetworkFetch } from '../../src/node/network-fetch.ts'
import { toNetworkError as toOAuthError } from '../../src/oauth/network-error.ts'
import { CA, EXPIRED, SERVER } from '../node/certificates.ts'

const failed = (cause: unknown): TypeError => new TypeError('fetch failed', { cause })
const coded = (code: string, more: object = {}): Error => Object.assign(new Error('canary'), { code, ...more })

describe('the code beneath the error of a fetch', () => {
  it.each([
    ['itself', coded('EPIPE')],
    ['its cause', failed(coded('EPIPE'))],
    ['one of several attempts', failed(new AggregateError([new Error('no code'), coded('EPIPE')]))],
    ['no Error at all', { cause: { code: 'EPIPE' } }],
  ])('is found in %s', (_, error) => {
    expect(findCodedError(error)?.code).toBe('EPIPE')
  })

  it('a ring, a chain without end, and what is no constant are passed by', () => {
    const ring: { cause?: unknown } = {}
    ring.cause = ring
    const long = Array.from({ length: 20 }).reduce<unknown>(cause => ({ cause }), coded('EPIPE'))
    for (const error of [ring, long, undefined, 'EPIPE', { code: 'canary canary' }, { code: 23 }]) {
      expect(findCodedError(error)).toBeUndefined()
    }
  })
})

describe('field D17: failures are told apart, by the login and by the calls alike', () => {
  it.each([
    ['ENOTFOUND', 'dns', 'the host name does not resolve', true],
    ['EAI_AGAIN', 'dns', 'the host name could not be resolved now', true],
    ['ECONNREFUSED', 'connect', 'the connection was refused', true],
    ['ECONNRESET', 'connect', 'the connection was reset', false],
    ['UND_ERR_SOCKET', 'connect', 'the connection was closed', false],
    ['UND_ERR_HEADERS_TIMEOUT', 'connect', 'the server sent no answer', false],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls', 'its certificate chain holds a self-signed certificate', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls', 'its certificate is self-signed', true],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', 'its certificate cannot be verified', true],
    ['CERT_NOT_YET_VALID', 'tls', 'its certificate is not valid yet', true],
    ['CERT_REVOKED', 'tls', 'the secure connection failed', true],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'it does not speak TLS there', true],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', 'tls', 'it wants a client certificate', true],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'tls', 'the secure connection failed', false],
    ['EPROTO', 'tls', 'the secure connection failed', false],
    ['ESOMETHING', undefined, 'the connection failed', false],
  ])('%s is %s: %s', (code, kind, words, nothingSent) => {
    const error = failed(coded(code))
    expect(networkFailure(error)).toMatchObject({ code, nothingSent, words: expect.stringContaining(words) })
    expect(networkFailure(error).kind).toBe(kind)
    const login = toOAuthError(error, 'The token request', { step: 'token request' })
    const call = toTransportError(error, 'https://mcp.example.com/mcp')
    for (const told of [login, call]) {
      expect(told).toMatchObject({ code: 'network', message: expect.stringContaining(words) })
      expect(String(told)).toContain(code)
      expect(String(told)).not.toContain('canary')
    }
    expect(call).toMatchObject({ detail: { mayHaveRun: !nothingSent, hint: login.detail.hint } })
  })

  it.each([
    ['Proxy response (407) !== 200 when HTTP Tunneling', 407, 'user name and password'],
    ['Proxy response (503) !== 200 when HTTP Tunneling', 503, 'NO_PROXY'],
    ['Proxy Authentication Required (407)', 407, 'user name and password'],
  ])('a proxy that opens no tunnel: %s', (message, status, hint) => {
    const failure = networkFailure(failed(Object.assign(new Error(message), { code: 'UND_ERR_ABORTED' })))
    expect(failure).toMatchObject({ kind: 'proxy', nothingSent: true, hint: expect.stringContaining(hint) })
    expect(failure.words).toContain(String(status))
  })
})

describe('field P2: a certificate that is refused', () => {
  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_HAS_EXPIRED', 'renew'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'the name that the certificate is for'],
    ['UND_ERR_PRX_TLS', 'address of the proxy'],
  ])('%s: the hint is about that', (code, hint) => {
    expect(networkFailure(coded(code)).hint).toContain(hint)
  })

  it('its issuer is named where the runtime hands the certificate over, as text that cannot do harm', () => {
    const cert = { issuer: { CN: `Inspecting Proxy\u001b[31m CA`, O: 'Example' } }
    expect(networkFailure(failed(coded('ERR_TLS_CERT_ALTNAME_INVALID', { cert }))).words).toBe(
      'its certificate is for another host, issued by "Inspecting Proxy [31m CA"',
    )
    for (const odd of [{}, { issuer: null }, { issuer: { CN: 7 } }, 'x']) {
      expect(networkFailure(coded('CERT_HAS_EXPIRED', { cert: odd })).words).toBe('its certificate has expired')
    }
  })

  it.each([
    ['of a CA that is not known', SERVER, undefined, 'cannot be verified'],
    ['that has expired', EXPIRED, CA, 'has expired'],
  ] as const)('one %s, for real', async (_, certificate, ca, words) => {
    const server = createServer(certificate)
    await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    const error = await createNetworkFetch({ env: {}, ...(ca !== undefined && { ca }) })(url).catch(
      (caught: unknown) => caught,
    )
    server.closeAllConnections()
    server.close()
    expect(networkFailure(error)).toMatchObject({ kind: 'tls', words: expect.stringContaining(words) })
  })
})

describe('field P5: what a browser does not tell', () => {
  it.each(['Failed to fetch', 'Load failed', 'NetworkError when attempting to fetch resource.'])(
    '%s: the login and the calls both say that it may be CORS, and which header must be exposed',
    message => {
      const error = new TypeError(message)
      const hint = expect.stringMatching(/CORS.*WWW-Authenticate/)
      expect(toOAuthError(error, 'The token request', { step: 's' })).toMatchObject({
        code: 'network',
        detail: { hint },
      })
      expect(toTransportError(error, 'https://a.test/')).toMatchObject({
        code: 'network',
        message: `No answer from https://a.test/: ${message}`,
        detail: { hint, mayHaveRun: true },
      })
    },
  )
})
