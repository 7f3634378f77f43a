import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/node/listen.ts'
import { tokenFromEnvironment, tokenFromFile, tokenFromGitHubActions } from '../../src/node/token-source.ts'
import type { AssertionSource } from '../../src/oauth/flows/workload-identity.ts'
import { temporaryFolder } from './folder.ts'

const read = async (source: AssertionSource): Promise<string> =>
  source({ audience: 'https://as.example', signal: new AbortController().signal })

describe('the token in a file', () => {
  it('R-WIF-1 is read anew every time, without what surrounds it', async () => {
    const path = join(await temporaryFolder(), 'token')
    const source = tokenFromFile(path)
    await writeFile(path, '\uFEFF first.jwt.token\r\n')
    expect(await read(source)).toBe('first.jwt.token')
    await writeFile(path, 'second.jwt.token')
    expect(await read(source)).toBe('second.jwt.token')
  })

  it('R-WIF-1 is read through the links that Kubernetes swaps when it rotates', async () => {
    const folder = await temporaryFolder()
    for (const version of ['1', '2']) {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'token'), `token-${version}`)
    }
    await symlink('1', join(folder, '..data'))
    await symlink(join('..data', 'token'), join(folder, 'token'))
    const source = tokenFromFile(join(folder, 'token'))
    expect(await read(source)).toBe('token-1')
    await symlink('2', join(folder, '..new'))
    await rename(join(folder, '..new'), join(folder, '..data'))
    expect(await read(source)).toBe('token-2')
  })

  it.each([
    ['is not there', undefined, 'cannot be read (ENOENT)'],
    ['is empty', ' \n', 'is empty'],
    ['is too long', 'canary'.repeat(20_000), 'holds more than 65536 bytes'],
    ['holds text', 'canary and more', 'holds something that is no token'],
    ['holds bytes', new Uint8Array([0, 1, 2, 255]), 'holds something that is no token'],
  ])('that %s is told by its path, never by what it holds', async (_name, content, problem) => {
    const path = join(await temporaryFolder(), 'token')
    if (content !== undefined) await writeFile(path, content)
    const failure: unknown = await read(tokenFromFile(path)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'configuration', message: `${path} ${problem}.` })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('canary')
  })

  it('that is a folder is refused', async () => {
    const path = await temporaryFolder()
    await expect(read(tokenFromFile(path))).rejects.toMatchObject({ code: 'configuration' })
  })

  it('of exactly 64 KiB is taken', async () => {
    const path = join(await temporaryFolder(), 'token')
    await writeFile(path, 'a'.repeat(65_536))
    expect(await read(tokenFromFile(path))).toHaveLength(65_536)
  })
})

describe('the token in an environment variable', () => {
  it('R-WIF-1 is read anew every time', async () => {
    const variables = { TOKEN: 'first\n' }
    const source = tokenFromEnvironment('TOKEN', variables)
    expect(await read(source)).toBe('first')
    variables.TOKEN = 'second'
    expect(await read(source)).toBe('second')
  })

  it.each([
    ['is not set', undefined],
    ['is empty', ''],
    ['holds something that is no token', 'canary and more'],
  ])('that %s is told by its name, never by its value', async (problem, value) => {
    const reading = read(async wanted => tokenFromEnvironment('TOKEN', { TOKEN: value })(wanted))
    const failure: unknown = await reading.catch((error: unknown) => error)
    const message = `The environment variable TOKEN ${problem}.`
    expect(failure).toMatchObject({ code: 'configuration', message })
    expect(JSON.stringify(failure)).not.toContain('canary')
  })
})

describe('the token of a GitHub Actions job', () => {
  const runner = async (answer: (request: Request) => Response) => {
    const requests: Request[] = []
    const listener = await listen(async request => {
      requests.push(request)
      return answer(request)
    })
    onTestFinished(() => listener.close())
    const variables = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${listener.url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'canary-request-token',
    }
    return { requests, variables }
  }

  it('R-WIF-1 is made for the authorization server that wants it, or for the audience that was agreed on', async () => {
    const { requests, variables } = await runner(request =>
      Response.json({ count: 1, value: `jwt for ${new URL(request.url).searchParams.get('audience')}` }),
    )
    expect(await read(tokenFromGitHubActions({ variables }))).toBe('jwt for https://as.example')
    expect(await read(tokenFromGitHubActions({ audience: 'agreed', variables }))).toBe('jwt for agreed')
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(
      Array(2).fill('Bearer canary-request-token'),
    )
    expect(new URL(requests[0]!.url).searchParams.get('api-version')).toBe('2.0')
  })

  it('is missing where the job lacks the permission, and that is said', async () => {
    await expect(read(tokenFromGitHubActions({ variables: {} }))).rejects.toMatchObject({
      code: 'configuration',
      detail: { hint: expect.stringContaining('id-token: write') as string },
    })
  })

  it.each([
    ['an outage', () => new Response('canary', { status: 503 }), 'token_unavailable'],
    ['a refusal', () => Response.json({ message: 'canary-request-token' }, { status: 401 }), 'configuration'],
    ['an answer without a token', () => Response.json({ count: 0 }), 'configuration'],
    [
      'a redirect elsewhere',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } }),
      'redirect_refused',
    ],
  ])('%s is an error that shows no token', async (_name, answer, code) => {
    const { requests, variables } = await runner(answer)
    const failure: unknown = await read(tokenFromGitHubActions({ variables })).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('canary')
    expect(requests).toHaveLength(1)
  })
})
