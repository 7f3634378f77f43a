import { describe, expect, it } from 'vitest'
import type { IssuerException } from '../../src/oauth/issuer-exceptions.ts'
import { createPolicy, type Policy, type PolicyOptions } from '../../src/oauth/policy.ts'

const PUBLIC = 'https://mcp.example.com/mcp'

const names: Readonly<Record<string, readonly string[]>> = {
  'mcp.example.com': ['93.184.216.34'],
  'auth.example.com': ['93.184.216.35', '2606:2800::1'],
  'inside.example.com': ['10.0.0.7'],
  'mixed.example.com': ['93.184.216.34', '127.0.0.1'],
  'metadata.example.com': ['169.254.169.254'],
  'six.example.com': ['::ffff:192.168.0.1'],
  'mcp.corp.example': ['10.0.0.1'],
  'auth.corp.example': ['10.0.0.2'],
  'rebound.example.com': ['127.0.0.1'],
}

async function resolveHost(host: string): Promise<readonly string[]> {
  const addresses = names[host]
  if (addresses === undefined) throw new Error(`ENOTFOUND ${host}`)
  return addresses
}

const policy = (given: Partial<PolicyOptions> = {}): Policy => createPolicy({ server: PUBLIC, resolveHost, ...given })
const refused = expect.objectContaining({ code: 'url_refused' })

describe('schemes', () => {
  it.each(['https://auth.example.com/token', 'https://mcp.example.com/x'])('R-ASM-4 allows %s', async url => {
    expect((await policy().assertUrl(url, 'token request')).href).toBe(url)
  })

  it.each([
    'http://auth.example.com/token',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ftp://auth.example.com',
    'https://user:secret@auth.example.com/',
    '/token',
    '',
  ])('R-ASM-4 refuses %j, naming the step and no secret', async url => {
    const error = await policy({ server: 'http://localhost:1' })
      .assertUrl(url, 'token request')
      .catch((reason: unknown) => reason)
    expect(error).toEqual(refused)
    expect(JSON.stringify(error)).toContain('token request')
    expect(String(error)).not.toContain('secret')
  })

  it.each(['http://localhost:9/x', 'http://127.0.0.1:9/x', 'http://[::1]:9/x', 'http://auth.localhost/x'])(
    'R-ASM-4 allows loopback http %s to a loopback server',
    async url => {
      await expect(policy({ server: 'http://127.0.0.1:3000/mcp' }).assertUrl(url, 's')).resolves.toBeInstanceOf(URL)
    },
  )
})

describe('the private-address guard of a public server', () => {
  it.each([
    'https://10.0.0.1/token',
    'https://192.168.1.1/',
    'https://172.20.0.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://127.0.0.1/',
    'http://127.0.0.1:8080/',
    'http://localhost:8080/',
    'https://a.localhost/',
    'https://[::1]/',
    'https://[::]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.1/',
  ])('refuses the literal %s, resolver or not', async url => {
    await expect(policy().assertUrl(url, 's')).rejects.toEqual(refused)
    await expect(createPolicy({ server: PUBLIC }).assertUrl(url, 's')).rejects.toEqual(refused)
  })

  it.each(['inside', 'mixed', 'metadata', 'six'])('refuses %s.example.com by its addresses', async name => {
    await expect(policy().assertUrl(`https://${name}.example.com/`, 's')).rejects.toEqual(refused)
  })

  it('judges names only where a resolver was injected, and leaves unknown names to the request', async () => {
    await expect(createPolicy({ server: PUBLIC }).assertUrl('https://inside.example.com/', 's')).resolves.toBeDefined()
    await expect(policy().assertUrl('https://unknown.example.com/', 's')).resolves.toBeDefined()
  })

  it('an exception lets one issuer through, at its own origin only', async () => {
    const exception: IssuerException = {
      issuer: 'https://inside.example.com/realm',
      allowPrivateAddress: true,
      reason: 'ours',
      since: '2026-11-21',
    }
    const excepted = policy({ exceptions: [exception] })
    await expect(excepted.assertUrl('https://inside.example.com/token', 's')).resolves.toBeDefined()
    await expect(excepted.assertUrl('https://inside.example.com:8443/token', 's')).rejects.toEqual(refused)
    await expect(excepted.assertUrl('https://10.0.0.7/token', 's')).rejects.toEqual(refused)
  })

  it('R-EXC-1 an exception for a pattern lets every origin through that it stands for, and no other', async () => {
    const given = { allowPrivateAddress: true, reason: 'ours', since: '2026-11-21' }
    const excepted = policy({
      exceptions: [
        { ...given, issuer: 'https://*.example.com/realms/*' },
        { ...given, issuer: 'https://10.0.0.7/tenants/*' },
      ],
    })
    for (const url of ['https://inside.example.com/token', 'https://metadata.example.com/', 'https://10.0.0.7/token'])
      await expect(excepted.assertUrl(url, 's')).resolves.toBeDefined()
    for (const url of [
      'https://inside.example.com:8443/token',
      'https://10.0.0.8/token',
      'http://127.0.0.1/token',
      'https://a.inside.example.com.localhost/',
    ])
      await expect(excepted.assertUrl(url, 's')).rejects.toEqual(refused)
  })

  it('R-EXC-1 an exception that does not say so opens nothing', async () => {
    const exceptions = [{ issuer: 'https://inside.example.com', assumeS256: true, reason: 'x', since: '2026-11-21' }]
    await expect(policy({ exceptions }).assertUrl('https://inside.example.com/', 's')).rejects.toEqual(refused)
  })
})

describe('the guard of an internal server', () => {
  it.each(['http://localhost:3000/mcp', 'https://10.0.0.1/mcp', 'https://[fd00::1]/mcp'])(
    'does not exist for the literal %s',
    async server => {
      for (const url of ['https://10.9.9.9/', 'http://127.0.0.1:1/', 'https://inside.example.com/']) {
        await expect(policy({ server }).assertUrl(url, 's')).resolves.toBeDefined()
      }
    },
  )

  it('does not exist for https when the name of the server resolves inside', async () => {
    const corporate = policy({ server: 'https://mcp.corp.example/mcp' })
    await expect(corporate.assertUrl('https://auth.corp.example/token', 's')).resolves.toBeDefined()
    await expect(corporate.assertUrl('https://mcp.corp.example/.well-known/x', 's')).resolves.toBeDefined()
  })

  it('a hostile server that resolves to this machine does not reach its plain http services', async () => {
    const rebound = policy({ server: 'https://rebound.example.com/mcp' })
    await expect(rebound.assertUrl('http://127.0.0.1:2375/containers', 's')).rejects.toEqual(refused)
  })

  it('a server with one public address is public', async () => {
    const mixed = policy({ server: 'https://mixed.example.com/mcp' })
    await expect(mixed.assertUrl('https://inside.example.com/', 's')).rejects.toEqual(refused)
  })
})

it('has the documented limits', () => {
  expect(policy()).toMatchObject({ timeoutMs: 30_000, maxBytes: 1_048_576, maxRedirects: 3 })
})
