// The servers of test/processes/refresh.test.ts in a process of their own: node refresh-server.mjs <built testing.js>
// Reads commands, one JSON array a line, from its input; says what happens, one JSON object a line.
import { createInterface } from 'node:readline'

const { createMisbehavingServer, listen } = await import(process.argv[2])
const say = message => process.stdout.write(`${JSON.stringify(message)}\n`)

let server
const listener = await listen(request => answer(request))
server = createMisbehavingServer({ issuers: [listener.url], mcpUrl: `${listener.url}/mcp` })

/** Every redemption of a refresh token, in the order of the answers. */
const redemptions = []
let letGo

async function answer(request) {
  const asked =
    new URL(request.url).pathname === '/token' ? new URLSearchParams(await request.clone().text()) : undefined
  const spent = asked?.get('refresh_token') ?? undefined
  if (spent !== undefined) say({ redeeming: spent, pid: Number(request.headers.get('x-process')) })
  const at = Date.now()
  const response = await server.handle(request)
  if (spent !== undefined) {
    const body = await response.clone().json()
    redemptions.push({ spent, at, status: response.status, error: body.error_description, next: body.refresh_token })
  }
  return response
}

const commands = {
  set: switches => server.set(switches),
  /** Strikes the next redemption: `held-answer` spends the token first, `held-request` does not. */
  hold(kind) {
    const until = new Promise(resolve => {
      letGo = resolve
    })
    server.set({ faults: { 'token:refresh_token': { kind, until, times: 1 } } })
  },
  release: () => letGo(),
  report: () =>
    say({ report: { redemptions, logins: server.requestsTo('token:authorization_code').length, now: Date.now() } }),
}

createInterface({ input: process.stdin })
  .on('line', line => {
    const [command, ...args] = JSON.parse(line)
    commands[command](...args)
  })
  .on('close', () => process.exit())
say({ url: listener.url })
