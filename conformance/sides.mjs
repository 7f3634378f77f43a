// What the suite tests, and how it gets there: a command that it runs for each scenario, or a server that listens while it runs.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start } from './processes.mjs'

const path = file => fileURLToPath(new URL(file, import.meta.url))

/** How long the server may take until it listens. */
const START_TIMEOUT_MS = 10_000
/** Clients that run at the same time. */
const CLIENTS_AT_ONCE = 6

/**
 * Each has `use(work)`, which gives `work` the suite's arguments that name it, and `singles`: whether scenarios also run one by one. They do
 * for the client, whose exit code and time-out the suite regards only then. For the server a run of its own says nothing that `checks.json` does
 * not say anyway.
 *
 * The fixtures run on the Node that runs this script: the one whose users they stand for.
 */
export const sides = {
  client: { singles: true, use: withTurns },
  server: { singles: false, use: withServer },
}

/** Gives clients their turns: one byte says that it has come, and the end of the connection that it is over. */
async function withTurns(work) {
  const waiting = []
  let running = 0
  const next = () => {
    while (running < CLIENTS_AT_ONCE && waiting.length > 0) {
      const client = waiting.shift()
      if (client.destroyed) continue
      running += 1
      client.once('close', () => {
        running -= 1
        next()
      })
      client.write('!')
    }
  }
  const turns = createServer(client => {
    client.on('error', () => client.destroy())
    // Otherwise nobody would notice that it ended.
    client.resume()
    waiting.push(client)
    next()
  })
  await once(turns.listen(0, '127.0.0.1'), 'listening')
  try {
    return await work(['--command', `"${process.execPath}" "${path('turn.mjs')}" ${turns.address().port}`])
  } finally {
    turns.close()
  }
}

/** Starts the server on a free port, waits for the line that says where it listens, and kills it when the work is done. */
async function withServer(work) {
  const server = start(process.execPath, [path('server.mjs')])
  const errors = []
  server.stderr.on('data', chunk => errors.push(chunk))
  const died = once(server, 'close').then(([status]) => {
    throw new Error(`the server under test ended with ${status}`)
  })
  try {
    const line = once(createInterface({ input: server.stdout }), 'line', {
      signal: AbortSignal.timeout(START_TIMEOUT_MS),
    })
    const [url] = await Promise.race([line, died])
    return await Promise.race([work(['--url', url]), died])
  } finally {
    died.catch(() => {})
    server.kill('SIGKILL')
    if (errors.length > 0) console.log(`the server said:\n${Buffer.concat(errors).toString().trim()}`)
  }
}
