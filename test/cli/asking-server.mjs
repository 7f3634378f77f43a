// A server made with the official SDK, over stdio, that asks back and answers with bytes. It has no prompts.
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

function makeServer() {
  const server = new McpServer({ name: 'asking', version: '1.0.0' })
  server.registerTool('delete', { inputSchema: z.object({ path: z.string() }) }, ({ path }, context) => {
    const answer = acceptedContent(context.mcpReq.inputResponses, 'confirm')
    if (answer) return { content: [{ type: 'text', text: `${path}: ${JSON.stringify(answer)}` }] }
    return inputRequired({
      inputRequests: {
        confirm: inputRequired.elicit({
          message: `Delete ${path}?`,
          requestedSchema: { type: 'object', properties: { yes: { type: 'boolean' } }, required: ['yes'] },
        }),
      },
    })
  })
  server.registerTool('env', { inputSchema: z.object({ name: z.string() }) }, ({ name }) => ({
    content: [{ type: 'text', text: process.env[name] ?? 'unset' }],
  }))
  const contents = {
    'asking://text': { mimeType: 'text/plain', text: 'no line break at the end \u001b[31m' },
    'asking://bytes': { mimeType: 'image/png', blob: Buffer.from([0, 255, 10, 13]).toString('base64') },
  }
  for (const [uri, content] of Object.entries(contents)) {
    const { mimeType } = content
    server.registerResource(uri.slice(9), uri, { mimeType }, () => ({ contents: [{ uri, ...content }] }))
  }
  return server
}

serveStdio(makeServer)
