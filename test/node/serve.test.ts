import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server as HttpServer } from 'node:http'
import { expect, it } from 'vitest'
import { serve } from '../../src/node.ts'
import { createApp, createServer } from '../../src/server.ts'

it('serve refuses options that do not exist, and those that came too late for the app', async () => {
  const server = createServer({ name: 'a', version: '1' })
  await expect(serve(server, { prot: 3000 } as never)).rejects.toThrow(/no option "prot" of serve; there are port/)
  await expect(serve(createApp(server), { allowedHosts: ['a'] })).rejects.toThrow(
    /allowedHosts to createApp or protect/,
  )
  await expect(serve(createApp(server), { bodyTimeoutMs: 900_000 })).rejects.toThrow(
    /bodyTimeoutMs to createApp or protect/,
  )
})

it.each([
  [undefined, 300_000],
  [1000, 300_000],
  [900_000, 930_000],
])('serve cuts no connection before a body had the time that its app gives it: %s', async (bodyTimeoutMs, expected) => {
  const server = createServer({ name: 'a', version: '1' })
  const options = bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs }
  const limits = new Map<string, number>()
  const note = (message: unknown): void => {
    const { server: http, request } = message as { server: HttpServer; request: { headers: { host: string } } }
    limits.set(request.headers.host, http.requestTimeout)
  }
  subscribe('http.server.request.start', note)
  for (const [served, late] of [[createApp(server, options)], [server, options]] as const) {
    await using running = await serve(served, late)
    await fetch(running.url, { method: 'PUT' })
    expect(limits.get(`127.0.0.1:${running.port}`)).toBe(expected)
  }
  unsubscribe('http.server.request.start', note)
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
