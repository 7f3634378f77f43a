// A server of the handshake revisions that misbehaves as its argument says.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'

const [mode = 'plain'] = process.argv.slice(2)
const say = message => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

if (mode === 'fails') {
  console.error(`\u001b[31mError\u001b[0m: the key ${process.env.API_KEY} is refused`)
  process.exit(3)
}
if (mode === 'stubborn') process.on('SIGTERM', () => writeSync(2, 'SIGTERM\n'))
// Neither the end of input nor SIGTERM ends these.
if (['stubborn', 'unwilling', 'deaf'].includes(mode)) setInterval(() => undefined, 1000)
if (mode === 'silent') process.stdin.resume()
if (mode === 'banner') process.stdout.write('Welcome!\r\n{"level":30,"msg":"started"}\n\n')
if (mode === 'floods') {
  const line = `${'x'.repeat(1000)}\n`
  for (let written = 0; written < 20_000_000; written += line.length) writeSync(2, line)
}
if (mode === 'family') {
  // Behind `npx` it is the same: who is started is not who serves.
  const child = spawn(process.execPath, [process.argv[1], 'unwilling'], { stdio: ['ignore', 'inherit', 'inherit'] })
  child.unref()
  process.stderr.write(`child ${child.pid}\n`)
}
process.stderr.write(`pid ${process.pid}\n`)

const results = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: mode, version: '1' },
  }),
  ping: () => ({}),
  'tools/call': ({ name, arguments: args }) => {
    if (name === 'exit') process.exit(args.code)
    if (name === 'abort') process.kill(process.pid, 'SIGKILL')
    if (name === 'hang') return undefined
    if (name === 'close') {
      process.stdout.end()
      return undefined
    }
    if (name === 'environment') return text(JSON.stringify(process.env))
    if (name === 'arguments') return text(JSON.stringify(process.argv.slice(2)))
    if (name === 'large') return text('x'.repeat(args.bytes))
    return text(`${name} ${process.pid}`)
  },
}
const text = value => ({ content: [{ type: 'text', text: value }] })

if (mode !== 'silent' && mode !== 'deaf') {
  createInterface({ input: process.stdin }).on('line', line => {
    const { id, method, params } = JSON.parse(line)
    if (id === undefined) return
    const answer = results[method]
    if (!answer) {
      say({ id, error: { code: -32601, message: 'Method not found' } })
      return
    }
    const result = answer(params)
    if (result !== undefined) say({ id, result })
  })
  process.stdin.on('end', () => writeSync(2, 'input ended\n'))
}
