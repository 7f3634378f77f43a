// What the suite tests, and how it gets there: a command that it runs for each scenario, or a server that listens while it runs.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start } from './processes.mjs'

const path = file => fileURLToPath(new URL(file, import.meta.url))

/** How long the server may take until it listens. */
const START_TIMEOUT_MS = 10_000

/**
 * Each has `use(work)`, which gives `work` the suite's arguments that name it, and `singles`: whether scenarios also run one by one. They do
 * for the client, whose exit code and time-out the suite regards only then. For the server a run of its own says nothing that `checks.json` does
 * not say anyway.
 *
 * The fixtures run on the Node that runs this script: the one whose users they stand for.
 */
export const sides = {
  client: { singles: true, use: work => work(['--command', `"${process.execPath}" "${path('client.mjs')}"`]) },
  server: { singles: false, use: withServer },
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
