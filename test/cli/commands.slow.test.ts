import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createWorld, type Run } from './world.ts'

const json = (run: Run): any => JSON.parse(run.stdout)
const colourful = (run: Run): boolean => `${run.stdout}${run.stderr}`.includes('\u001b[')

describe('login', () => {
  it('logs in through BROWSER, prints the status, and a second login asks nobody', async () => {
    await using world = await createWorld()
    const first = await world.run(['login', world.url])
    expect(first).toMatchObject({ exitCode: 0 })
    expect(first.stdout).toContain(`✓ ${world.url}`)
    expect(first.stdout).toMatch(/logged in yes, renews itself in 1 hour/)
    expect(first.stderr).toContain('Opening your browser to log in')
    const visits = world.server.requestsTo('authorize').length
    expect((await world.run(['login', world.url])).exitCode).toBe(0)
    expect(world.server.requestsTo('authorize')).toHaveLength(visits)
    expect((await world.run(['login', world.url, '--force'])).exitCode).toBe(0)
    expect(world.server.requestsTo('authorize').length).toBeGreaterThan(visits)
  })

  it('prints with --json exactly what status --json prints', async () => {
    await using world = await createWorld()
    const login = json(await world.run(['login', world.url, '--json']))
    expect(login).toEqual(json(await world.run(['status', world.url, '--json'])))
    expect(login).toEqual({
      server: world.url,
      profile: 'default',
      loggedIn: true,
      scopes: ['files:read', 'offline_access'],
      issuer: world.server.issuer,
      expiresAt: expect.any(Number),
      refreshable: true,
      clientId: expect.any(String),
      registration: 'dynamic',
      grantId: expect.any(String),
      store: expect.stringContaining(world.home),
    })
  })

  it('asks for the scopes of --scope', async () => {
    await using world = await createWorld()
    const status = json(await world.run(['login', world.url, '--scope', 'files:read files:admin', '--json']))
    expect(status.scopes).toEqual(expect.arrayContaining(['files:read', 'files:admin']))
  })

  it('field A3: --no-browser prints the URL and takes the redirect URL pasted on stdin', async () => {
    await using world = await createWorld()
    const stdin = new PassThrough()
    let seen = ''
    let pasted = false
    const run = await world.run(['login', world.url, '--no-browser', '--json'], {
      stdin,
      onStderr: text => {
        seen += text
        const url = /^ {2}(http\S+\/authorize\S+)$/m.exec(seen)?.[1]
        if (url === undefined || pasted) return
        pasted = true
        stdin.write('not an address\n')
        void world.server.approve(new URL(url)).then(redirect => stdin.write(`${redirect.href}\n`))
      },
    })
    expect(json(run)).toMatchObject({ loggedIn: true })
    expect(run.stderr).toContain('paste the address')
    expect(run.stderr).toContain('! That is not an address')
    expect(run.stderr).not.toContain('Opening your browser')
  })

  it('field A3: with --no-browser the listener waits as well, also after stdin has ended', async () => {
    await using world = await createWorld()
    let visited = false
    const run = await world.run(['login', world.url, '--no-browser', '--json'], {
      onStderr: text => {
        const url = /^ {2}(http\S+\/authorize\S+)$/m.exec(text)?.[1]
        if (url === undefined || visited) return
        visited = true
        void fetch(url)
      },
    })
    expect(json(run)).toMatchObject({ loggedIn: true })
  })

  it('a refusal exits with 4 and says why', async () => {
    await using world = await createWorld({ authorizationError: 'access_denied' })
    const run = await world.run(['login', world.url, '--json'])
    expect(run.exitCode).toBe(4)
    expect(json(run)).toEqual({
      error: { code: 'authorization_refused', message: expect.stringContaining('access_denied') },
    })
    expect(run.stderr).toMatch(/^✗ /m)
  })

  it('gives up after --timeout seconds with 4 and the command to try again', async () => {
    await using world = await createWorld()
    const run = await world.run(['login', world.url, '--no-browser', '--timeout', '1', '--json'])
    expect(run.exitCode).toBe(4)
    expect(json(run).error).toMatchObject({ code: 'login_timeout', hint: `latchkey login ${world.url}` })
  })

  it('field A2: uses exactly the port, host and path asked for, and remembers them', async () => {
    await using world = await createWorld()
    const port = await freePort()
    const fixed = ['--redirect-port', String(port), '--callback-host', 'localhost', '--callback-path', '/back']
    expect((await world.run(['login', world.url, ...fixed])).exitCode).toBe(0)
    expect((await world.run(['login', world.url, '--force'])).exitCode).toBe(0)
    const redirects = world.server
      .requestsTo('authorize')
      .map(({ url }) => new URL(url).searchParams.get('redirect_uri'))
    expect(new Set(redirects)).toEqual(new Set([`http://localhost:${port}/back`]))
    expect(world.server.requestsTo('registration')).toHaveLength(1)
  })

  it('field A4: a busy --redirect-port is an error that names the port, not a drift to another', async () => {
    await using world = await createWorld()
    const blocker = createServer()
    await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as AddressInfo
    const run = await world.run(['login', world.url, '--redirect-port', String(port)])
    blocker.close()
    expect(run.exitCode).toBe(4)
    expect(run.stderr).toContain(String(port))
    expect(world.server.requestsTo('registration')).toHaveLength(0)
  })

  it('uses a client registered beforehand, its secret from the environment', async () => {
    const port = await freePort()
    const redirectUris = [`http://127.0.0.1:${port}/callback`]
    await using world = await createWorld({
      registrationOffered: false,
      clients: [{ clientId: 'known', clientSecret: 'canary-client-secret', redirectUris }],
    })
    const missing = await world.run(['login', world.url])
    expect(missing.exitCode).toBe(4)
    expect(missing.stderr).toContain('does not let clients register themselves')
    const args = [
      'login',
      world.url,
      '--client-id',
      'known',
      '--client-secret-env',
      'KNOWN_SECRET',
      '--redirect-port',
      String(port),
    ]
    expect((await world.run(args)).exitCode).toBe(2)
    const run = await world.run(args, { env: { KNOWN_SECRET: 'canary-client-secret' } })
    expect(`${run.stdout}${run.stderr}`).not.toContain('canary-client-secret')
    expect(run.exitCode, run.stderr).toBe(0)
    // Later commands know the client without being told.
    world.clock.now = () => Date.now() + 7_200_000
    expect((await world.run(['token', world.url])).exitCode).toBe(0)
  })
})

describe('status', () => {
  it('lists nothing, one and two logins, and tells profiles apart', async () => {
    await using world = await createWorld()
    expect(json(await world.run(['status', '--json']))).toEqual({ logins: [] })
    expect(await world.run(['status'])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('No logins yet'),
    })
    await world.run(['login', world.url])
    await world.run(['login', world.url, '--profile', 'work'])
    const { logins } = json(await world.run(['status', '--json']))
    expect(logins.map(({ profile, loggedIn }: any) => [profile, loggedIn])).toEqual([
      ['default', true],
      ['work', true],
    ])
    const table = (await world.run(['status'])).stdout
    expect(table).toMatch(/SERVER +PROFILE +LOGGED IN/)
    expect(table.split('\n').filter(line => line.startsWith('✓'))).toHaveLength(2)
  })

  it('says that there is no login, with exit code 0', async () => {
    await using world = await createWorld()
    expect(json(await world.run(['status', world.url, '--json']))).toEqual({
      server: world.url,
      profile: 'default',
      loggedIn: false,
      store: expect.any(String),
    })
    expect((await world.run(['status', world.url])).stdout).toContain('logged in no')
  })

  it('field L3: says where logins are kept, what opens them, and why, of one and of all', async () => {
    await using world = await createWorld()
    const kept = `encrypted files in ${world.env['LATCHKEY_HOME']}/credentials, opened by a key file, as was asked for`
    await world.run(['login', world.url])
    expect((await world.run(['status', world.url])).stdout).toMatch(new RegExp(`\\n  kept in +${kept}\\n$`))
    expect((await world.run(['status'])).stdout).toMatch(new RegExp(`\\n  kept in ${kept}\\n$`))
    expect(json(await world.run(['status', '--json'])).logins).toEqual([expect.objectContaining({ store: kept })])
  })
})

describe('token', () => {
  it('prints the token and nothing else, refreshed when it expires', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    const first = await world.run(['token', world.url])
    world.clock.now = () => Date.now() + 7_200_000
    const run = await world.run(['token', world.url])
    expect(run).toMatchObject({ exitCode: 0, stderr: '' })
    expect(run.stdout).not.toBe(first.stdout)
    expect(run.stdout.trimEnd()).not.toMatch(/\s/)
    expect(world.server.secrets()).toContain(run.stdout.trimEnd())
    expect(world.server.requestsTo('token:refresh_token')).toHaveLength(1)
  })

  it('exits with 3 and the login command where no one can be asked', async () => {
    await using world = await createWorld()
    const run = await world.run(['token', world.url, '--profile', 'work'])
    expect(run).toMatchObject({ exitCode: 3, stdout: '' })
    expect(run.stderr).toContain(`→ latchkey login ${world.url} --profile work`)
    expect(world.server.requestsTo('authorize')).toHaveLength(0)
  })

  it('field A18: opens the browser on a terminal only after saying so', async () => {
    await using world = await createWorld()
    const run = await world.run(['token', world.url], { tty: true })
    expect(run.exitCode).toBe(0)
    expect(run.stderr).toContain('asks you to log in: opening your browser')
  })

  it('a server that cannot answer now is no reason to log in: exit 5, and the login is kept', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    world.clock.now = () => Date.now() + 7_200_000
    world.server.set({ faults: { token: { kind: 'status', status: 503 } } })
    const run = await world.run(['token', world.url])
    expect(run.exitCode).toBe(5)
    world.server.set({ faults: {} })
    expect((await world.run(['token', world.url])).exitCode).toBe(0)
  })
})

describe('tools and call', () => {
  it('tools --json is the MCP result object, tools for people name arguments', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    const { tools } = json(await world.run(['tools', world.url, '--json']))
    expect(tools.map(({ name }: any) => name)).toEqual(['echo', 'sum', 'fail', 'picture', 'admin'])
    const text = (await world.run(['tools', world.url])).stdout
    expect(text).toContain('sum\n  Adds numbers\n    a   * number  First\n'.replace('a   *', 'a   *'))
  })

  it('call prints text, coerces arguments by the schema, and --json prints exactly the result', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    expect(await world.run(['call', world.url, 'sum', 'a=1', 'b=2', 'note=null'])).toMatchObject({
      exitCode: 0,
      stdout: 'three\n',
    })
    const sent = world.server.requestsTo('mcp').at(-1)?.json as any
    expect(sent.params.arguments).toEqual({ a: 1, b: 2, note: null })
    expect(json(await world.run(['call', world.url, 'sum', '--input', '{"a":1}', '--json']))).toMatchObject({
      content: [{ type: 'text', text: 'three' }],
      structuredContent: { sum: 3 },
    })
  })

  it('a tool that reports an error exits with 1 and still prints its answer', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    const run = await world.run(['call', world.url, 'fail'])
    expect(run).toMatchObject({ exitCode: 1, stdout: 'it broke [31m\n', stderr: '✗ the tool fail reports an error\n' })
    const asJson = await world.run(['call', world.url, 'fail', '--json'])
    expect(asJson.exitCode).toBe(1)
    expect(json(asJson)).toMatchObject({ isError: true })
  })

  it('what is no text is saved, never over another file, and named on stderr', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    for (const name of ['picture.png', 'picture-2.png']) {
      expect(await world.run(['call', world.url, 'picture'])).toMatchObject({
        exitCode: 0,
        stdout: '',
        stderr: `✓ image (image/png, 3 bytes): saved as ${name}\n`,
      })
      expect(await readFile(join(world.home, 'work', name))).toEqual(Buffer.from([0, 0, 0]))
    }
    const run = await world.run(['call', world.url, 'picture', '--output', 'pictures'])
    expect(run.stderr).toContain('saved as pictures/picture.png')
  })

  it('--json saves nothing, unless --output says so', async () => {
    await using world = await createWorld({ protection: 'nothing' })
    expect(await world.run(['call', world.url, 'picture', '--json'])).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await readdir(join(world.home, 'work'))).toEqual([])
    await world.run(['call', world.url, 'picture', '--json', '--output', '.'])
    expect(await readdir(join(world.home, 'work'))).toEqual(['picture.png'])
  })

  it.each([
    [['nosuch'], /no tool “nosuch”/],
    [['sun', 'a=1'], /did you mean “sum”\?/],
    [['sum', 'a=x'], /“a” should be number/],
    [['sum'], /missing argument: a/],
    [['sum', 'a=1', 'c=2'], /no argument “c”/],
    [['sum', '--input', '['], /--input is not valid JSON/],
  ])('usage: call %j exits with 2', async (args, message) => {
    await using world = await createWorld({ protection: 'nothing' })
    const run = await world.run(['call', world.url, ...args, '--json'])
    expect(run.exitCode).toBe(2)
    expect(json(run).error).toMatchObject({ code: 'usage', message: expect.stringMatching(message) })
    expect(world.server.requestsTo('mcp').some(({ json }: any) => json?.method === 'tools/call')).toBe(false)
  })

  it('call without a login exits with 3; --login logs in first', async () => {
    await using world = await createWorld()
    const refused = await world.run(['call', world.url, 'echo', '--json'])
    expect(refused.exitCode).toBe(3)
    expect(json(refused).error).toMatchObject({ code: 'login_required', hint: `latchkey login ${world.url}` })
    expect(await world.run(['call', world.url, 'echo', '--login'])).toMatchObject({ exitCode: 0, stdout: '{}\n' })
  })

  it('a call that needs more permission exits with 3 and names the scopes to log in with', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    const run = await world.run(['call', world.url, 'admin', '--json'])
    expect(run.exitCode).toBe(3)
    expect(json(run).error).toMatchObject({
      code: 'step_up_required',
      hint: expect.stringMatching(/--scope '.*files:admin.*'/),
    })
    expect(await world.run(['call', world.url, 'admin', '--login'])).toMatchObject({ exitCode: 0 })
  })

  it('an unreachable server exits with 5', async () => {
    await using world = await createWorld()
    const run = await world.run(['tools', `http://127.0.0.1:${await freePort()}/mcp`, '--json'])
    expect(run.exitCode).toBe(5)
    expect(json(run).error.code).toBe('network')
  })

  it('a server that breaks the protocol exits with 5', async () => {
    await using world = await createWorld({ faults: { mcp: { kind: 'html' } } })
    expect((await world.run(['tools', world.url])).exitCode).toBe(5)
  })
})

describe('--header', () => {
  it('field X9: an Authorization header keeps OAuth out of the way and says so', async () => {
    await using world = await createWorld()
    const run = await world.run(['tools', world.url, '--header', 'Authorization=KEY', '--json'], {
      env: { KEY: 'Bearer canary-key' },
    })
    expect(run.exitCode).toBe(4)
    expect(run.stderr).toContain('OAuth stays out of the way')
    expect(
      world.server.requestsTo('mcp').every(({ headers }) => headers['authorization'] === 'Bearer canary-key'),
    ).toBe(true)
    expect(world.server.requests.every(({ step }) => step === 'mcp')).toBe(true)
    expect(`${run.stdout}${run.stderr}`).not.toContain('canary-key')
    expect(
      (await world.run(['login', world.url, '--header', 'Authorization=KEY'], { env: { KEY: 'x' } })).exitCode,
    ).toBe(2)
  })

  it('another header goes to the MCP server and to nobody else', async () => {
    await using world = await createWorld()
    const run = await world.run(['call', world.url, 'echo', '--login', '--header', 'X-Api-Key=KEY'], {
      env: { KEY: 'canary-key' },
    })
    expect(run.exitCode).toBe(0)
    for (const { step, headers } of world.server.requests) {
      expect(headers['x-api-key'], step).toBe(step === 'mcp' ? 'canary-key' : undefined)
    }
  })
})

describe('logout', () => {
  it('field L10: revokes the refresh token, then the access token, and forgets', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    const run = await world.run(['logout', world.url])
    expect(run).toMatchObject({ exitCode: 0, stdout: '' })
    expect(run.stderr).toContain(`✓ Logged out of ${world.url}`)
    expect(world.server.requestsTo('revocation').map(({ form }) => form?.get('token_type_hint'))).toEqual([
      'refresh_token',
      'access_token',
    ])
    expect(json(await world.run(['status', '--json']))).toEqual({ logins: [] })
    expect((await world.run(['logout', world.url])).stderr).toContain('Not logged in')
  })

  it('field L10: forgets when the server will not revoke, and says so', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    world.server.set({ faults: { revocation: { kind: 'status', status: 503 } } })
    const run = await world.run(['logout', world.url])
    expect(run.exitCode).toBe(0)
    expect(run.stderr).toContain('not revoked')
    expect((await world.run(['token', world.url])).exitCode).toBe(3)
  })

  it('field L9: --client forgets the registration too', async () => {
    await using world = await createWorld()
    await world.run(['login', world.url])
    await world.run(['logout', world.url])
    await world.run(['login', world.url])
    expect(world.server.requestsTo('registration')).toHaveLength(1)
    await world.run(['logout', world.url, '--client'])
    await world.run(['login', world.url])
    expect(world.server.requestsTo('registration')).toHaveLength(2)
  })

  it('--all logs out of every server and every profile', async () => {
    await using world = await createWorld()
    await using other = await createWorld()
    const { env } = world
    await world.run(['login', world.url])
    await world.run(['login', world.url, '--profile', 'work'])
    await other.run(['login', other.url], { env })
    expect((await world.run(['logout', '--all'])).exitCode).toBe(0)
    expect(json(await world.run(['status', '--json']))).toEqual({ logins: [] })
    expect(world.server.requestsTo('revocation')).toHaveLength(4)
    expect(other.server.requestsTo('revocation')).toHaveLength(2)
  })

  it.each([[['logout']], [['logout', 'https://h.example', '--all']], [['logout', '--all', '--profile', 'work']]])(
    '%j is a usage error',
    async args => {
      await using world = await createWorld()
      expect((await world.run(args)).exitCode).toBe(2)
    },
  )
})

describe('what every command keeps to', () => {
  it.each([
    ['login', 'https://h.example', '--device', '--no-browser'],
    ['login', 'https://h.example', '--grant', 'client-credentials'],
    ['login', 'https://h.example', '--grant', 'password'],
    ['login', 'https://h.example', '--client-key', 'key.pem'],
    ['login', 'https://h.example', '--timeout', 'soon'],
    ['login', 'https://h.example', '--redirect-port', '70000'],
    ['login', 'https://h.example', '--callback-host', 'evil.example'],
    ['login', 'https://h.example', '--callback-path', 'back'],
    ['login', 'https://h.example', '--client-secret-env', 'X'],
    ['login', 'https://h.example', '--client-metadata-url', 'http://h.example/client'],
    ['login', 'ftp://h.example'],
    ['login', 'https://user:canary@h.example'],
    ['login'],
    ['nosuch', 'https://h.example'],
    ['call', 'https://h.example'],
  ])('usage: %j %j %j %j exits with 2 and an error object', async (...args) => {
    await using world = await createWorld()
    const run = await world.run([...args.filter(Boolean), '--json'])
    expect(run.exitCode).toBe(2)
    expect(json(run).error).toEqual(expect.objectContaining({ code: expect.any(String), message: expect.any(String) }))
    expect(`${run.stdout}${run.stderr}`).not.toContain('canary')
  })

  it('suggests the URL that lacks its scheme', async () => {
    await using world = await createWorld()
    expect((await world.run(['tools', 'mcp.example.com/mcp'])).stderr).toContain('→ https://mcp.example.com/mcp')
  })

  it.each(['login', 'logout', 'status', 'token', 'tools', 'call', 'resources', 'read', 'prompts', 'prompt'])(
    '%s --help has examples and exits with 0',
    async verb => {
      await using world = await createWorld()
      const run = await world.run([verb, '--help'])
      expect(run).toMatchObject({ exitCode: 0, stderr: '' })
      expect(run.stdout).toMatch(/Examples:\n {2}\$ /)
      for (const option of ['--profile', '--header', '--verbose']) expect(run.stdout).toContain(option)
    },
  )

  it('no secret reaches stdout, stderr or a file in clear, --verbose included', async () => {
    await using world = await createWorld()
    const texts: string[] = []
    for (const args of [
      ['login', world.url, '--verbose'],
      ['status', world.url, '--verbose', '--json'],
      ['tools', world.url, '--verbose'],
      ['call', world.url, 'admin', '--login', '--verbose'],
      ['refresh'],
      ['call', world.url, 'admin', '--verbose'],
      ['logout', world.url, '--verbose'],
    ]) {
      if (args[0] === 'refresh') {
        world.clock.now = () => Date.now() + 7_200_000
        continue
      }
      const run = await world.run(args)
      expect(run.exitCode, run.stderr).toBe(0)
      // The authorization URL is there to be opened; its state is of no use without the verifier.
      texts.push(run.stdout, run.stderr.replace(/^ {2}http\S+\/authorize\S+$/gm, ''))
    }
    await world.run(['login', world.url])
    for (const entry of await readdir(join(world.home, 'state'), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.push(await readFile(join(entry.parentPath, entry.name), 'latin1'))
    }
    expect(texts.length).toBeGreaterThan(11)
    expect(world.server.secrets().length).toBeGreaterThan(6)
    expect(world.leaked(...texts)).toEqual([])
  })

  it('--verbose shows every leg with its step', async () => {
    await using world = await createWorld()
    const { stderr } = await world.run(['login', world.url, '--verbose'])
    for (const step of [
      'protected resource metadata',
      'authorization server metadata',
      'client registration',
      'token request',
    ]) {
      expect(stderr).toContain(`(${step})`)
    }
    expect((await world.run(['tools', world.url, '--verbose'])).stderr).toMatch(/POST 200 .*tools\/list/)
  })

  it('an interruption exits with 130 and is calm about it', async () => {
    await using world = await createWorld()
    const controller = new AbortController()
    const run = await world.run(['login', world.url, '--no-browser', '--json'], {
      signal: controller.signal,
      onStderr: text => {
        if (text.includes('/authorize')) controller.abort()
      },
    })
    expect(run.exitCode).toBe(130)
    expect(json(run)).toEqual({ error: { code: 'aborted', message: 'cancelled' } })
  })

  it('colours a terminal only, and not with NO_COLOR', async () => {
    await using world = await createWorld()
    expect(colourful(await world.run(['status', world.url], { tty: true, env: { NO_COLOR: '' } }))).toBe(true)
    expect(colourful(await world.run(['status', world.url], { tty: true }))).toBe(false)
    expect(colourful(await world.run(['status', world.url], { env: { NO_COLOR: '' } }))).toBe(false)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
