import { expect, it } from 'vitest'
import { serve } from '../../src/node.ts'
import { createApp, createServer } from '../../src/server.ts'

it('serve refuses options that do not exist, and those that came too late for the app', async () => {
  const server = createServer({ name: 'a', version: '1' })
  await expect(serve(server, { prot: 3000 } as never)).rejects.toThrow(/no option "prot" of serve; there are port/)
  await expect(serve(createApp(server), { allowedHosts: ['a'] })).rejects.toThrow(
    /allowedHosts to createApp or protect/,
  )
})

it('serve gives what await using closes', async () => {
  const server = createServer({ name: 'a', version: '1' })
  let url: string
  {
    await using running = await serve(server)
    url = running.url
    expect((await fetch(url, { method: 'PUT' })).status).toBe(405)
  }
  await expect(fetch(url)).rejects.toThrow()
  expect(server.internals.closing.aborted).toBe(true)
})
