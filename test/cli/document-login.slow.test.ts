import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { requestParameters } from '../../demo/src/leg.ts'
import { approve } from '../../demo/src/scripted-user.ts'
import { CLIENT_METADATA_URL, signingKey } from '../interop/machine-clients.ts'
import { ACCESS_TOKEN_SECONDS, startMachineWorld } from '../interop/machine-world.ts'
import { type Run, type RunOptions, runInProcess } from './world.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-document-'))
})
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 10 }))

const json = (run: Run): any => JSON.parse(run.stdout)

function run(args: readonly string[], now: () => number, options: RunOptions = {}): Promise<Run> {
  const env = { LATCHKEY_HOME: home, LATCHKEY_STORE: 'file', NO_COLOR: '1', TERM: 'xterm' }
  return runInProcess(args, { ...options, env }, now)
}

async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return String(port)
}

/** Opens the authorization URL once, as the person would. */
function person(): { readonly onStderr: (text: string) => void } {
  let seen = ''
  let opened = false
  return {
    onStderr: text => {
      seen += text
      const url = /^ {2}(http\S+\/auth\?\S+)$/m.exec(seen)?.[1]
      if (url === undefined || opened) return
      opened = true
      void approve(url)
    },
  }
}

it.each(['none', 'private_key_jwt'])(
  'R-CIMD-5 oidc-provider takes a document of cimd create, and login and refresh as that client: %s',
  async method => {
    const port = await freePort()
    const file = join(home, 'key.json')
    await writeFile(file, JSON.stringify((await signingKey('ES256')).privateJwk))
    const key =
      method === 'none'
        ? [[], []]
        : [
            ['--jwk', file],
            ['--client-key', file],
          ]
    const create = ['cimd', 'create', CLIENT_METADATA_URL, '--redirect-port', port, ...(key[0] ?? [])]
    await using world = await startMachineWorld({ clientMetadataDocument: json(await run(create, Date.now)) })
    const now = (): number => world.now()
    const args = ['--client-metadata-url', CLIENT_METADATA_URL, '--redirect-port', port, ...(key[1] ?? [])]
    const login = await run(['login', world.mcpUrl, '--no-browser', '--json', ...args], now, person())
    expect(login.exitCode, login.stderr).toBe(0)
    expect(json(login)).toMatchObject({
      clientId: CLIENT_METADATA_URL,
      registration: 'client-id-metadata-document',
      refreshable: true,
    })
    world.advance(ACCESS_TOKEN_SECONDS * 1_000)
    const token = await run(['token', world.mcpUrl], now)
    expect(token, token.stderr).toMatchObject({ exitCode: 0, stderr: '' })
    const [refresh] = world.tokenRequests('refresh_token')
    expect('client_assertion' in requestParameters(refresh!)).toBe(method === 'private_key_jwt')
    expect(world.at('/reg')).toEqual([])
  },
)
