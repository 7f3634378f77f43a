// The servers of test/processes/machine.test.ts in a process of their own: an authorization server for machines only, and a protected
// endpoint. Reads commands, one JSON array a line, from its input; says what happens, one JSON object a line.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const say = message => process.stdout.write(`${JSON.stringify(message)}\n`)

let live = new Set()
let count = 0
/** Every token request in the order of arrival: who asked, and what came of it. */
const requests = []
let hold
let letGo

async function answer(request, body) {
  const { pathname } = new URL(request.url, url)
  if (pathname === '/mcp') {
    if (live.has(request.headers.authorization?.replace('Bearer ', ''))) return [200, { ok: true }]
    const challenge = `Bearer resource_metadata="${url}/.well-known/oauth-protected-resource/mcp"`
    return [401, {}, { 'www-authenticate': challenge }]
  }
  if (pathname === '/.well-known/oauth-protected-resource/mcp')
    return [200, { resource: `${url}/mcp`, authorization_servers: [url] }]
  if (pathname === '/.well-known/oauth-authorization-server')
    return [200, { issuer: url, token_endpoint: `${url}/token`, response_types_supported: [] }]
  if (pathname === '/token') return token(request, new URLSearchParams(body))
  return [404, {}]
}

async function token(request, form) {
  const pid = Number(request.headers['x-process'])
  const entry = { pid, grantType: form.get('grant_type') }
  requests.push(entry)
  say({ asking: pid })
  const held = hold
  hold = undefined
  if (held === 'request') await new Promise(resolve => (letGo = resolve))
  const accessToken = `token-${++count}`
  live.add(accessToken)
  entry.token = accessToken
  if (held === 'answer') await new Promise(resolve => (letGo = resolve))
  return [200, { access_token: accessToken, token_type: 'Bearer', expires_in: 3600 }]
}

const commands = {
  /** Strikes the next token request: `answer` has issued the token already, `request` has not. */
  hold: kind => (hold = kind),
  release: () => letGo(),
  /** No token issued so far is accepted any more. */
  end: () => (live = new Set()),
  report: () => say({ report: requests }),
}

const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const [status, content, headers] = await answer(request, body)
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(content))
})
let url
server.listen(0, '127.0.0.1', () => {
  url = `http://127.0.0.1:${server.address().port}`
  say({ url })
})

createInterface({ input: process.stdin })
  .on('line', line => {
    const [command, ...args] = JSON.parse(line)
    commands[command](...args)
  })
  .on('close', () => process.exit())
