import { expect, it } from 'vitest'
import { z } from 'zod'
import { connect } from '../../src/client.ts'
import { createServer, elicit } from '../../src/server.ts'
import { serve } from '../../src/node.ts'

it.each(['2026-07-28', '2025-11-25', '2025-03-26'] as const)('works on %s', async revision => {
  const server = createServer({ name: 'files', version: '1.0.0', onError: e => console.error(e) })
  server.tool('add', { input: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => ({ sum: a + b }))
  server.tool('slow', {}, async (_args, ctx) => { await ctx.progress(1, 2); return 'done' })
  server.tool(
    'delete',
    {
      input: z.object({ path: z.string() }),
      asks: ({ path }) => ({ confirm: elicit({ message: `Delete ${path}?`, schema: z.object({ yes: z.boolean() }) }) }),
    },
    ({ path }, { answers: { confirm } }) => (confirm.yes ? `deleted ${path}` : 'kept'),
  )
  const running = await serve(server)
  const client = await connect(running.url, { revision, elicitation: { form: () => ({ action: 'accept', content: { yes: true } }) } })
  expect((await client.callTool('add', { a: 1, b: 2 })).content).toEqual([{ type: 'text', text: '{"sum":3}' }])
  expect(await client.callTool('add', { a: 1, b: 'x' })).toMatchObject({ isError: true })
  const seen: unknown[] = []
  expect((await client.callTool('slow', {}, { onProgress: p => void seen.push(p) })).content).toEqual([{ type: 'text', text: 'done' }])
  expect(seen).toHaveLength(1)
  if (revision === '2025-03-26') await expect(client.callTool('delete', { path: 'x' })).rejects.toMatchObject({ code: -32021 })
  else expect((await client.callTool('delete', { path: 'x' })).content).toEqual([{ type: 'text', text: 'deleted x' }])
  await client.close()
  await running.close()
})
