import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { type RunningServer, serve } from '../../src/node.ts'
import { type BundledProgram, bundleProgram } from './bundled-program.ts'
import { type Address, openNewPeer, openOldPeer, type Peer } from './official-peers.ts'
import { requireOfPeer } from './peer-requirements.ts'
import { createRichServer } from './rich-server.ts'

const clients: readonly (readonly [string, 'handshake' | 'stateless', (address: Address) => Promise<Peer>])[] = [
  ['the official v2 client on 2026-07-28', 'stateless', address => openNewPeer(address, 'auto')],
  ['the official v2 client on 2025-11-25', 'handshake', address => openNewPeer(address, 'legacy')],
  ['the official v1 client', 'handshake', openOldPeer],
]

describe.each(clients)('our server over Streamable HTTP, to %s', (_client, family, open) => {
  let running: RunningServer
  let errors: unknown[]
  beforeEach(async () => {
    errors = []
    running = await serve(createRichServer(error => errors.push(error)))
  })
  afterEach(async () => {
    await running.close()
    // Only what a tool throws on purpose may have gone wrong.
    expect(errors.filter(error => !String(error).includes('hunter2'))).toEqual([])
  })
  requireOfPeer(family, () => open({ url: running.url }))
})

describe.each(clients)('our server over stdio, to %s', (_client, family, open) => {
  let program: BundledProgram
  beforeAll(async () => {
    program = await bundleProgram('test/interop/rich-stdio.ts')
  })
  afterAll(() => program.remove())
  requireOfPeer(family, () => open({ command: process.execPath, args: [program.file] }))
})
