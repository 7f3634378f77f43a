import { property, assert, string, webUrl } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasProxy, runtimeUsesProxies, proxyFor } from '../../src/node/proxy-environment.ts'

const PROXY = 'http://proxy.test:3128'
const proxied = (url: string, noProxy: string): boolean =>
  proxyFor(url, { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: noProxy }) !== undefined

describe('field P1: the proxy that the environment names', () => {
  it.each([
    ['https://a.test/', { HTTPS_PROXY: PROXY }, PROXY],
    ['https://a.test/', { https_proxy: PROXY, HTTPS_PROXY: 'http://other.test' }, PROXY],
    ['https://a.test/', { http_proxy: PROXY }, PROXY],
    ['https://a.test/', { https_proxy: '', HTTPS_PROXY: PROXY }, undefined],
    ['https://a.test/', { HTTPS_PROXY: 'proxy.test:3128' }, PROXY],
    ['https://a.test/', { HTTPS_PROXY: ' ' }, undefined],
    ['http://a.test/', { HTTPS_PROXY: PROXY }, undefined],
    ['http://a.test/', { HTTP_PROXY: PROXY }, PROXY],
    // A header of whoever calls a CGI program (httpoxy).
    ['http://a.test/', { HTTP_PROXY: PROXY, REQUEST_METHOD: 'GET' }, undefined],
    ['http://a.test/', { http_proxy: PROXY, REQUEST_METHOD: 'GET' }, PROXY],
  ])('%s with %j is reached through %s', (url, env, expected) => {
    expect(proxyFor(url, env)?.origin).toBe(expected)
    if (expected !== undefined) expect(hasProxy(env)).toBe(true)
  })

  it.each(['http://localhost:1/', 'http://127.0.0.1/', 'https://127.9.9.9/', 'http://[::1]:1/', 'http://a.localhost/'])(
    '%s never is: it means this machine',
    url => {
      expect(proxied(url, '')).toBe(false)
    },
  )

  it.each([
    ['*', 'https://a.test/', false],
    ['a.test', 'https://a.test/', false],
    ['a.test', 'https://A.TEST./', false],
    ['a.test', 'https://b.a.test/', false],
    ['.a.test', 'https://b.a.test/', false],
    ['*.a.test', 'https://b.a.test/', false],
    ['a.test', 'https://ba.test/', true],
    ['b.a.test', 'https://a.test/', true],
    ['x.test, a.test other.test', 'https://a.test/', false],
    ['a.test:8443', 'https://a.test:8443/', false],
    ['a.test:8443', 'https://a.test/', true],
    ['a.test:443', 'https://a.test/', false],
    ['a.test:80', 'http://a.test/', false],
    ['10.0.0.0/8', 'https://10.20.30.40/', false],
    ['10.0.0.0/8', 'https://11.0.0.1/', true],
    ['10.0.0.0/99', 'https://10.0.0.1/', true],
    ['10.1.2.3', 'https://10.1.2.3:8443/', false],
    ['10.1.2.3:80', 'https://10.1.2.3/', true],
    ['fd00::1', 'https://[fd00:0:0::1]/', false],
    ['[fd00::1]:443', 'https://[fd00::1]/', false],
    ['fd00::/8', 'https://[fd12::9]/', false],
    ['fd00::/8', 'https://10.0.0.1/', true],
    ['/8 : .  ,,', 'https://a.test/', true],
  ])('NO_PROXY=%s: %s through it: %s', (noProxy, url, expected) => {
    expect(proxied(url, noProxy)).toBe(expected)
  })

  it.each(['ftp://proxy.test', 'http://', 'http://user:secret@pro xy', 'file:///etc/passwd'])(
    '%s is told as no address of a proxy, without what may be a password',
    value => {
      const error: unknown = (() => {
        try {
          return proxyFor('https://a.test/', { HTTPS_PROXY: value })
        } catch (caught) {
          return caught
        }
      })()
      expect(error).toMatchObject({ name: 'OAuthError', code: 'configuration' })
      expect(String(error) + JSON.stringify(error)).not.toContain('secret')
    },
  )

  it('no NO_PROXY makes it fail', () => {
    assert(
      property(webUrl(), string(), (url, noProxy) => {
        expect(typeof proxied(url, noProxy)).toBe('boolean')
      }),
    )
  })
})

describe('field P1: whether the runtime goes through proxies by itself', () => {
  const flags = new Set(['--use-env-proxy'])
  it.each([
    [{ NODE_USE_ENV_PROXY: '1' }, { flags, execArgv: [] }, true],
    [{}, { flags, execArgv: ['--use-env-proxy'] }, true],
    [{ NODE_OPTIONS: '--no-warnings --use-env-proxy' }, { flags, execArgv: [] }, true],
    [{}, { flags, execArgv: [] }, false],
    [{ NODE_USE_ENV_PROXY: '0' }, { flags, execArgv: [] }, false],
    [{}, { flags: new Set<string>(), execArgv: [], versions: { bun: '1.3.0' } }, true],
    [{}, { flags: new Set<string>(), execArgv: [], versions: { deno: '2.5.0' } }, true],
    // A Node that does not know the option passes over the variable.
    [{ NODE_USE_ENV_PROXY: '1' }, { flags: new Set<string>(), execArgv: [] }, false],
  ])('%j, %j: %s', (env, surroundings, expected) => {
    expect(runtimeUsesProxies(env, surroundings)).toBe(expected)
  })
})
