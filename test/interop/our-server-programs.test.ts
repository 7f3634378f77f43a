import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningServer, serve } from '../../src/node.ts'
import { type BundledProgram, bundleProgram } from './bundled-program.ts'
import { installLocked, temporaryHome } from './locked-packages.ts'
import { openNewPeer, type Peer } from './official-peers.ts'
import { requireOfPeer } from './peer-requirements.ts'
import { createRichServer } from './rich-server.ts'

installLocked('test/interop/peers', 'the MCP Inspector and mcp-remote (about 120 MB)')
const INSPECTOR = resolve(
  'test/interop/peers/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
)
const MCP_REMOTE = resolve('test/interop/peers/node_modules/mcp-remote/dist/proxy.js')
const home = temporaryHome()
afterAll(() => home.remove())

let running: RunningServer
beforeAll(async () => {
  running = await serve(createRichServer())
})
afterAll(() => running.close())

describe('the command line of the MCP Inspector', () => {
  let program: BundledProgram
  beforeAll(async () => {
    program = await bundleProgram('test/interop/rich-stdio.ts')
  })
  afterAll(() => program.remove())

  interface Ended {
    readonly code: number
    readonly output: Record<string, unknown>
  }
  const inspect = (args: readonly string[]): Promise<Ended> =>
    new Promise((done, failed) => {
      execFile(process.execPath, [INSPECTOR, '--cli', ...args], { env: home.env }, (error, stdout, stderr) => {
        if (stdout === '') failed(new Error(`The Inspector said nothing: ${stderr}`, { cause: error }))
        else done({ code: Number(error?.code ?? 0), output: JSON.parse(stdout) as Record<string, unknown> })
      })
    })

  describe.each(['http', 'stdio'] as const)('over %s', transport => {
    const target = (): string[] => (transport === 'http' ? [running.url] : [process.execPath, program.file])

    it('lists and calls tools, reads a resource and gets a prompt', async () => {
      const ask = (method: string, ...args: readonly string[]): Promise<Ended> =>
        inspect([...target(), '--method', method, ...args])
      const [listed, called, failed, read, prompt] = await Promise.all([
        ask('tools/list'),
        ask('tools/call', '--tool-name', 'add', '--tool-arg', 'a=2', 'b=3'),
        ask('tools/call', '--tool-name', 'fail'),
        ask('resources/read', '--uri', 'notes:///otters'),
        ask('prompts/get', '--prompt-name', 'greet', '--prompt-args', 'name=Ada'),
      ])
      expect(listed.output['tools']).toEqual(
        expect.arrayContaining([expect.objectContaining({ name: 'add', title: 'Add' })]),
      )
      expect(called).toMatchObject({ code: 0, output: { structuredContent: { sum: 5 } } })
      expect(failed).toMatchObject({ output: { isError: true, content: [{ text: 'The disk is full' }] } })
      expect(failed.code).not.toBe(0)
      expect(read.output).toMatchObject({ contents: [{ text: 'Otters hold hands.' }] })
      expect(prompt.output).toMatchObject({ messages: [{ content: { text: 'Greet Ada in English.' } }] })
    })

    it('calls a tool on 2026-07-28', async () => {
      const args = [
        '--protocol-era',
        'modern',
        '--method',
        'tools/call',
        '--tool-name',
        'add',
        '--tool-arg',
        'a=2',
        'b=3',
      ]
      expect(await inspect([...target(), ...args])).toMatchObject({
        code: 0,
        output: { structuredContent: { sum: 5 } },
      })
    })
  })
})

describe.each([
  ['2026-07-28', 'stateless', 'auto'],
  ['2025-11-25', 'handshake', 'legacy'],
] as const)('the official v2 client behind mcp-remote on %s', (_revision, family, mode) => {
  let own: RunningServer
  let peer: Peer
  // A process for every test would take most of the time.
  beforeAll(async () => {
    own = await serve(createRichServer())
    peer = await openNewPeer({ command: process.execPath, args: [MCP_REMOTE, own.url], env: home.env }, mode)
  })
  afterAll(async () => {
    await peer.close()
    await own.close()
  })
  // mcp-remote passes a cancellation on as a notification, where 2026-07-28 wants the stream closed.
  const cancels = family === 'handshake'
  requireOfPeer(family, async () => ({ ...peer, close: async () => undefined }), { cancels })
})
