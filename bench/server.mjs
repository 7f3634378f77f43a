// What a call costs a server: requests a second and processor time a request, each as a ratio to bare node:http in the same round.
// node bench/server.mjs [folder of the built library] [--connections 32] [--rounds 5] [--peers bare,open,guarded,official]
import { fork } from 'node:child_process'
import { Agent, request } from 'node:http'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '6000' },
    peers: { type: 'string', default: 'bare,open,guarded,official' },
  },
})
const built = resolve(positionals[0] ?? fileURLToPath(new URL('../dist', import.meta.url)))
const connections = Number(values.connections)
const requests = Number(values.requests)

const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
}
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'add',
}

async function start(peer) {
  const child = fork(fileURLToPath(new URL('./server-child.mjs', import.meta.url)), [peer, built])
  const ended = new Promise((_done, fail) => child.once('exit', () => fail(new Error(`${peer} ended`))))
  ended.catch(() => undefined)
  const told = () => Promise.race([new Promise(done => child.once('message', done)), ended])
  const { url, headers: own } = await told()
  const usage = async () => {
    const answer = told()
    child.send('usage')
    const { user, system } = await answer
    return user + system
  }
  return { peer, url, headers: own, usage, stop: () => child.kill() }
}

let id = 0
function call({ url, headers: own }, agent) {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: ++id,
    method: 'tools/call',
    params: { name: 'add', arguments: { a: id, b: 1 }, _meta },
  })
  return new Promise((done, fail) => {
    const expected = `"${id + 1}"`
    const length = { 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, ...own, ...length } }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => (text += chunk))
      response.on('end', () => (text.includes(expected) ? done() : fail(new Error(`${response.statusCode} ${text}`))))
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

async function load(server, total) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = total
  const worker = async () => {
    while (left-- > 0) await call(server, agent)
  }
  const before = await server.usage()
  const started = performance.now()
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - started) / 1000
  const cpu = ((await server.usage()) - before) / total
  agent.destroy()
  return { perSecond: total / seconds, cpu }
}

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

const servers = await Promise.all(values.peers.split(',').map(start))
const seen = new Map(servers.map(({ peer }) => [peer, []]))
try {
  console.log(
    `node ${process.version}, ${availableParallelism()} cores, ${connections} connections, one small tool call a request\n`,
  )
  for (const server of servers) await load(server, requests / 2)
  for (let round = 0; round < Number(values.rounds); round += 1) {
    let floor
    for (const server of servers) {
      const { perSecond, cpu } = await load(server, requests)
      floor ??= { perSecond, cpu }
      seen.get(server.peer).push({ perSecond, cpu, rate: perSecond / floor.perSecond, cost: cpu / floor.cpu })
    }
  }
  console.log('server       requests/s   of the first   processor µs/request   × the first')
  for (const [peer, rounds] of seen) {
    const of = name => median(rounds.map(round => round[name]))
    console.log(
      `${peer.padEnd(12)}${of('perSecond').toFixed(0).padStart(11)}${of('rate').toFixed(2).padStart(15)}${of('cpu').toFixed(1).padStart(23)}${of('cost').toFixed(2).padStart(14)}`,
    )
  }
} finally {
  for (const server of servers) server.stop()
}
