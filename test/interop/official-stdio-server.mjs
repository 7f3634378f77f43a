// A server made with the official SDK, over stdio. Argument: which revisions it serves.
import { McpServer } from '@modelcontextprotocol/server'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

const [mode] = process.argv.slice(2)

function makeServer() {
  const server = new McpServer({ name: `official ${mode}`, version: '2.0.0' }, { instructions: 'Be kind.' })
  server.registerTool(
    'add',
    { description: 'Adds', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
  )
  server.registerTool('pid', { inputSchema: z.object({}) }, () => ({
    content: [{ type: 'text', text: String(process.pid) }],
  }))
  server.registerTool('steps', { inputSchema: z.object({}) }, async (_args, context) => {
    const { progressToken: token } = context.mcpReq['_meta'] ?? {}
    for (const progress of [1, 2])
      if (token !== undefined)
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: token, progress, total: 2 },
        })
    return { content: [{ type: 'text', text: 'done' }] }
  })
  server.registerTool('hang', { inputSchema: z.object({}) }, async (_args, context) => {
    process.stderr.write('started\n')
    await new Promise(resolve => context.mcpReq.signal.addEventListener('abort', resolve))
    process.stderr.write('aborted\n')
    return { content: [] }
  })
  const late = server.registerTool('late', { inputSchema: z.object({}) }, () => ({ content: [] }))
  late.disable()
  server.registerTool('change', { inputSchema: z.object({}) }, () => {
    late.enable()
    return { content: [] }
  })
  return server
}

if (mode === 'handshake') await makeServer().connect(new StdioServerTransport())
else serveStdio(makeServer, { legacy: mode === 'stateless' ? 'reject' : 'serve' })
