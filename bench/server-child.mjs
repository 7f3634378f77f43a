// One server under load, in a process of its own: says where it listens, and what a request costs it. node bench/server-child.mjs PEER DIST
import { createServer as createHttpServer } from 'node:http'

const [peer, built] = process.argv.slice(2)

const add = ({ a, b }) => String(a + b)

/** The floor: node:http, JSON.parse, JSON.stringify, no checks at all. */
async function bare() {
  const server = createHttpServer((request, response) => {
    const chunks = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const { id, params } = JSON.parse(Buffer.concat(chunks).toString())
      const result = { resultType: 'complete', content: [{ type: 'text', text: add(params.arguments) }] }
      const body = JSON.stringify({ jsonrpc: '2.0', id, result })
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      response.end(body)
    })
  })
  return listen(server)
}

async function listen(server) {
  server.keepAliveTimeout = 60_000
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${server.address().port}/mcp`
}

async function ours() {
  const { createServer } = await import(`${built}/server.js`)
  const { z } = await import('zod')
  const server = createServer({ name: 'bench', version: '1.0.0', onError: error => console.error(error) })
  server.tool('add', { input: z.object({ a: z.number(), b: z.number() }) }, add)
  return server
}

/** Served as a user would, without a token. */
async function open() {
  const { serve } = await import(`${built}/node/serve.js`)
  return (await serve(await ours())).url
}

/** Every request carries a JWT, whose signature is verified against keys that were fetched once. */
async function guarded() {
  const { exportJWK, generateKeyPair, SignJWT } = await import('jose')
  const { protect, jwtVerifier } = await import(`${built}/resource-server.js`)
  const { serve } = await import(`${built}/node/serve.js`)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
  const issuer = 'https://issuer.example'
  const resource = 'https://bench.example/mcp'
  const verify = jwtVerifier({ issuer, jwksUri: `${issuer}/keys`, fetch: async () => Response.json(jwks) })
  const app = protect(await ours(), { resource, authorizationServers: [issuer], verify })
  const token = await new SignJWT({ client_id: 'bench', scope: '' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject('bench')
    .setAudience(resource)
    .setJti('one')
    .setIssuedAt()
    .setExpirationTime('2h')
    .sign(privateKey)
  return { url: (await serve(app)).url, headers: { authorization: `Bearer ${token}` } }
}

/** The official server, as its documentation serves it. */
async function official() {
  const { createMcpHandler, McpServer } = await import('@modelcontextprotocol/server')
  const { toNodeHandler } = await import('@modelcontextprotocol/node')
  const { z } = await import('zod')
  const inputSchema = z.object({ a: z.number(), b: z.number() })
  const handler = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'bench', version: '1.0.0' })
      server.registerTool('add', { description: 'add', inputSchema }, args => ({
        content: [{ type: 'text', text: add(args) }],
      }))
      return server
    }),
  )
  return listen(createHttpServer((request, response) => void handler(request, response)))
}

const started = await { bare, open, guarded, official }[peer]()
process.send(typeof started === 'string' ? { url: started, headers: {} } : started)
process.on('message', () => process.send(process.cpuUsage()))
