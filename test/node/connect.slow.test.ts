import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/node/connect.ts'
import { createDefaultSession, createDefaultStore } from '../../src/node/default-session.ts'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { createWorld, type World } from '../cli/world.ts'

/** A world whose environment is this process's. */
async function inWorld(): Promise<World> {
  const world = await createWorld()
  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value)
  return world
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('connect', () => {
  it('opens the browser once, remembers the login, and shares it with the command line', async () => {
    await using world = await inWorld()
    for (let times = 0; times < 2; times++) {
      await using client = await connect(world.url)
      expect((await client.callTool('sum', { a: 1 })).structuredContent).toEqual({ sum: 3 })
    }
    expect(world.server.requestsTo('authorize')).toHaveLength(1)
    const status = await world.run(['status', world.url, '--json'])
    expect(JSON.parse(status.stdout)).toMatchObject({ loggedIn: true, profile: 'default' })
  })

  it('keeps profiles apart, and the store that is given instead of its own', async () => {
    await using world = await inWorld()
    const store = createMemoryStore()
    for (const profile of ['default', 'work']) {
      await using client = await connect(world.url, { oauth: { profile, store } })
      await client.callTool('echo')
    }
    expect(world.server.requestsTo('authorize')).toHaveLength(2)
    expect((await store.list()).map(({ profile }) => profile)).toEqual(['default', 'work'])
    expect(await createDefaultStore().list()).toEqual([])
  })

  it('field A18: opens no browser where no person may be asked', async () => {
    await using world = await inWorld()
    await expect(connect(world.url, { oauth: { interactive: false } })).rejects.toMatchObject({
      code: 'login_required',
    })
    expect(world.server.requestsTo('authorize')).toEqual([])
  })

  it('field A3: says so at once where no browser can be opened', async () => {
    await using world = await inWorld()
    vi.stubEnv('BROWSER', '/does/not/exist')
    await expect(connect(world.url)).rejects.toMatchObject({
      code: 'login_required',
      detail: { hint: expect.stringContaining('latchkey login') },
    })
  })

  it('an Authorization header of the caller keeps OAuth out', async () => {
    await using world = await inWorld()
    const connecting = connect(world.url, { headers: { authorization: 'Bearer key' } })
    await expect(connecting).rejects.toMatchObject({ name: 'TransportError', code: 'unauthorized' })
    expect(world.server.requestsTo('authorize')).toEqual([])
  })

  it('LATCHKEY_STORE=memory leaves nothing behind', async () => {
    await using world = await inWorld()
    vi.stubEnv('LATCHKEY_STORE', 'memory')
    await using client = await connect(world.url)
    await client.callTool('echo')
    await expect(readdir(world.env['LATCHKEY_HOME']!)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('R-EXC-1 the exceptions that the command line goes by hold here, too, unless others are given', async () => {
    await using world = await inWorld()
    const home = world.env['LATCHKEY_HOME']!
    await mkdir(home, { recursive: true, mode: 0o700 })
    const issuer = new URL(world.url).origin
    const exception = { issuer, assumeS256: true, reason: 'it is ours', since: '2026-11-21' }
    await writeFile(join(home, 'issuer-exceptions.json'), JSON.stringify([exception]), { mode: 0o600 })
    const announced = async (given: Parameters<typeof createDefaultSession>[1] = {}) => {
      const events: OAuthEvent[] = []
      const store = createMemoryStore()
      await using session = createDefaultSession(world.url, { store, onEvent: event => events.push(event), ...given })
      await session.login()
      return events.filter(({ type }) => type === 'exception')
    }
    expect(await announced()).toMatchObject([{ issuer, exception: 'it is ours' }])
    expect(await announced({ issuerExceptions: [] })).toEqual([])
    await writeFile(join(home, 'issuer-exceptions.json'), '[{}]')
    expect(() => createDefaultSession(world.url)).toThrow('issuer-exceptions.json')
  })

  it('R-TOKEN-3 closing the client waits until a token that is being redeemed is stored', async () => {
    await using world = await inWorld()
    let release: (() => void) | undefined
    const held = vi.fn<typeof globalThis.fetch>(async (input, init) => {
      const response = await fetch(input, init)
      const refreshes = typeof init?.body === 'string' && init.body.includes('grant_type=refresh_token')
      if (refreshes) await new Promise<void>(resolve => (release = resolve))
      return response
    })
    const client = await connect(world.url, { fetch: held })
    await client.callTool('echo')
    const before = await createDefaultSession(world.url).accessToken()
    world.server.rejectAccessTokens()
    const abandoned = new AbortController()
    const call = client.callTool('echo', {}, { signal: abandoned.signal }).catch(() => undefined)
    await expect.poll(() => release).toBeDefined()
    abandoned.abort()
    await call
    let closed = false
    const closing = client.close().then(() => (closed = true))
    await new Promise(resolve => setImmediate(resolve))
    expect(closed).toBe(false)
    release?.()
    await closing
    expect(await createDefaultSession(world.url).accessToken()).not.toBe(before)
    expect(world.server.requestsTo('authorize')).toHaveLength(1)
  })
})
