import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { exportJWK, generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommandLine } from '../../cli/src/command-line.ts'
import { DEFAULT_REDIRECT_PORTS } from '../../src/oauth/protocol/client-id-metadata-redirects.ts'
import type { Run } from './world.ts'

const CLIENT_URL = 'https://app.example.com/oauth/client.json'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-cimd-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(...args: readonly string[]): Promise<Run> {
  const texts = { stdout: '', stderr: '' }
  const exitCode = await runCommandLine(['cimd', ...args], {
    stdin: Readable.from([]),
    stdout: { write: text => (texts.stdout += text) },
    stderr: { write: text => (texts.stderr += text) },
    env: { NO_COLOR: '1' },
    now: Date.now,
    signal: new AbortController().signal,
  })
  return { exitCode, ...texts }
}

async function file(content: unknown): Promise<string> {
  const path = join(folder, 'file.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

async function withServer(listener: RequestListener, task: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await task(`http://127.0.0.1:${(server.address() as AddressInfo).port}/client.json`)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const json = (result: Run): any => JSON.parse(result.stdout)

describe('cimd create', () => {
  it('R-CIMD-6 field R14: prints a complete document on stdout, what to do with it on stderr, and validate agrees', async () => {
    const made = await run('create', CLIENT_URL, '--name', 'Otter Desk')
    expect(made.exitCode).toBe(0)
    expect(json(made)).toEqual({
      client_id: CLIENT_URL,
      client_name: 'Otter Desk',
      redirect_uris: DEFAULT_REDIRECT_PORTS.map(port => `http://127.0.0.1:${port}/callback`),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    })
    expect(made.stderr).toContain(`latchkey cimd validate ${CLIENT_URL}`)
    const checked = await run('validate', await file(made.stdout), '--json')
    expect(checked.exitCode).toBe(0)
    expect(json(checked)).toEqual({ ok: true, file: join(folder, 'file.json'), findings: [] })
  })

  it('field R13: takes the ports, host and path asked for, and warns of a single port', async () => {
    const args = ['--callback-host', 'localhost', '--callback-path', '/back', '--redirect-port', '8765']
    const two = await run('create', CLIENT_URL, ...args, '--redirect-port', '8766')
    expect(json(two).redirect_uris).toEqual(['http://localhost:8765/back', 'http://localhost:8766/back'])
    const one = await run('create', CLIENT_URL, '--redirect-port', '8765')
    expect(one).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('only one loopback port') })
  })

  it('R-DEVICE-1 --device lists the device grant', async () => {
    expect(json(await run('create', CLIENT_URL, '--device')).grant_types).toContain(
      'urn:ietf:params:oauth:grant-type:device_code',
    )
  })

  it.each(['ES256', 'RS256', 'EdDSA'])(
    'R-CIMD-5 publishes the public half of a private %s key, and says so',
    async algorithm => {
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
      const jwk = { ...(await exportJWK(privateKey)), kid: 'one' }
      for (const content of [jwk, { keys: [jwk] }]) {
        const made = await run('create', CLIENT_URL, '--jwk', await file(content))
        expect(made.exitCode, made.stderr).toBe(0)
        expect(json(made)).toMatchObject({
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [{ kid: 'one', kty: jwk.kty, use: 'sig' }] },
        })
        expect(made.stderr).toContain('only the public half')
        for (const secret of [jwk.d, jwk.p, jwk.qi]) {
          if (secret !== undefined) expect(`${made.stdout}${made.stderr}`).not.toContain(secret)
        }
      }
    },
  )

  it('R-CIMD-5 --jwks-uri names the keys', async () => {
    expect(json(await run('create', CLIENT_URL, '--jwks-uri', 'https://app.example.com/jwks.json'))).toMatchObject({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example.com/jwks.json',
    })
  })

  it.each([
    ['{"kty":"oct","k":"canary"}', /without a public half/],
    ['-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----', /PEM/],
    ['canary', /no JSON/],
    ['{"d":"canary"}', /neither a JWK/],
    ['[]', /neither a JWK/],
  ])('R-CIMD-5 refuses %j as a key, without quoting it', async (content, message) => {
    const made = await run('create', CLIENT_URL, '--jwk', await file(content))
    expect(made).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) })
    expect(made.stderr).not.toContain('canary')
  })

  it.each([
    ['create', 'http://app.example.com/client.json'],
    ['create', 'https://app.example.com/'],
    ['create', CLIENT_URL, '--redirect-port', '0'],
    ['create', CLIENT_URL, '--callback-path', 'back'],
    ['create', CLIENT_URL, '--callback-host', 'evil.example'],
    ['create', CLIENT_URL, '--jwk', '/nowhere/key.json'],
    ['create', CLIENT_URL, '--jwk', 'a', '--jwks-uri', 'https://app.example.com/jwks.json'],
    ['create'],
    ['validate'],
    ['validate', '/nowhere/client.json'],
    ['validate', 'https://user:canary@app.example.com/client.json'],
    ['validate', 'ftp://app.example.com/client.json'],
    ['guess'],
    [],
  ])('usage: cimd %j %j %j %j exits with 2 and leaves stdout alone', async (...args) => {
    const result = await run(...args)
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toMatch(/latchkey|✗/)
    expect(result.stderr).not.toContain('canary')
  })

  it('a usage error names the help of the very command, and every command takes the common options', async () => {
    expect((await run('create')).stderr).toContain('→ latchkey cimd create --help')
    expect((await run('guess')).stderr).toContain('→ latchkey cimd --help')
    for (const verb of ['create', 'validate']) {
      const help = await run(verb, '--help')
      expect(help).toMatchObject({ exitCode: 0, stderr: '' })
      expect(help.stdout).toMatch(/Examples:\n {2}\$ latchkey cimd/)
    }
    expect((await run('create', CLIENT_URL, '--profile', 'x', '--verbose')).exitCode).toBe(0)
  })
})

describe('cimd validate', () => {
  it('R-CIMD-6 fetches without following redirects and exits with 1 on errors; --json prints one object', async () => {
    await withServer(
      (_request, response) => response.writeHead(302, { location: 'https://elsewhere.example/c' }).end(),
      async url => {
        const result = await run('validate', url, '--json')
        expect(result.exitCode).toBe(1)
        expect(json(result)).toMatchObject({ ok: false, url })
        expect(json(result).findings).toContainEqual(
          expect.objectContaining({ about: 'answer', message: expect.stringContaining('elsewhere.example') }),
        )
      },
    )
  })

  it('R-CIMD-2 a served document is judged whole even where its URL cannot be a client id', async () => {
    const document = json(await run('create', CLIENT_URL))
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' })
        response.end(JSON.stringify(document))
      },
      async url => {
        const result = await run('validate', url)
        expect(result).toMatchObject({ exitCode: 1, stderr: '' })
        expect(result.stdout).toMatch(/✗ url: .*cannot be a client id/)
        expect(result.stdout).toMatch(/✗ client_id: client_id is https:\S+ but the document is at http:/)
        expect(result.stdout).toMatch(new RegExp(`\n✗ ${url}: 2 errors, 1 warning\n$`))
      },
    )
  })

  it.each([
    [{ keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] }, undefined],
    [{ keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'canary' }] }, 'holds a secret'],
    [undefined, 'answers 404'],
  ])('R-CIMD-5 fetches the key set, too: %j', async (keySet, problem) => {
    await withServer(
      (request, response) => {
        const base = `http://${request.headers.host}`
        const document = { client_id: `${base}/client.json`, jwks_uri: `${base}/jwks.json` }
        const answer = request.url === '/jwks.json' ? keySet : document
        response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      },
      async url => {
        const { findings } = json(await run('validate', url, '--json'))
        const about = findings.filter((each: any) => each.about === 'jwks_uri' && !each.message.includes('https'))
        expect(about.map(({ message }: any) => message)).toEqual(
          problem === undefined ? [] : [expect.stringContaining(problem)],
        )
        expect(JSON.stringify(findings)).not.toContain('canary')
      },
    )
  })

  it('field R15: a wall against bots is told as that', async () => {
    await withServer(
      (_request, response) => response.writeHead(403, { 'content-type': 'text/html' }).end('<html>are you human?'),
      async url => expect((await run('validate', url)).stdout).toContain('plain CDN'),
    )
  })

  it('stops reading an answer without end', async () => {
    let sent = 0
    await withServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536
        }
        response.on('drain', more)
        more()
      },
      async url => {
        const result = await run('validate', url)
        expect(result.exitCode).toBe(1)
        expect(result.stdout).toContain('5120 bytes')
        expect(sent).toBeLessThan(50_000_000)
      },
    )
  })

  it('a host that cannot be reached exits with 5', async () => {
    const result = await run('validate', 'http://127.0.0.1:1/client.json', '--json')
    expect(result.exitCode).toBe(5)
    expect(json(result).error).toMatchObject({ code: 'network', message: expect.stringContaining('127.0.0.1:1') })
  })

  it('R-CIMD-6 a file is judged by the client_id in it, and says what is left to check', async () => {
    const document = json(await run('create', CLIENT_URL))
    const path = await file({ ...document, client_id: 'http://app.example.com/c', client_secret: 'canary' })
    const result = await run('validate', path)
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toMatch(/✗ client_id: .*cannot be a client id/)
    expect(result.stdout).toMatch(/✗ client_secret: .*no secret/)
    expect(`${result.stdout}${result.stderr}`).not.toContain('canary')
    expect(result.stderr).toContain('once it is served')
    expect(await readFile(path, 'utf8')).toContain('canary')
  })
})
