// A long day of one server: 100 000 mixed calls and 1 000 subscriptions that come and go. Memory must stay where it was after the first tenth.
// node --expose-gc bench/soak.mjs [folder of the built library] [--calls 100000] [--subscriptions 1000]
import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fork } from 'node:child_process'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    calls: { type: 'string', default: '100000' },
    subscriptions: { type: 'string', default: '1000' },
    serve: { type: 'boolean' },
  },
})
const built = resolve(positionals[0] ?? fileURLToPath(new URL('../dist', import.meta.url)))

if (values.serve) await serveUntilKilled()
else await soak()

async function serveUntilKilled() {
  const { createServer, elicit, needInput, tasks, text } = await import(`${built}/server.js`)
  const { serve } = await import(`${built}/node/serve.js`)
  const { z } = await import('zod')
  const server = createServer({
    name: 'soak',
    // One tool fails on purpose.
    onError: () => undefined,
    version: '1.0.0',
    extensions: [tasks({ ttlMs: 2_000, pollIntervalMs: 10 })],
  })
  server.tool('add', { input: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => ({ sum: a + b }))
  server.tool('steps', {}, async (_args, ctx) => {
    for (let step = 1; step <= 3; step += 1) await ctx.progress(step, 3)
    return [text('done')]
  })
  server.tool('fail', {}, () => {
    throw new Error('this is meant to fail')
  })
  const question = elicit({ message: 'Sure?', schema: z.object({ yes: z.boolean() }) })
  server.tool('ask', { asks: () => ({ sure: question }) }, (_args, { answers }) => String(answers.sure.yes))
  server.tool('midway', {}, (_args, ctx) =>
    ctx.state ? 'done' : needInput({ asks: { sure: question }, state: { at: 1 } }),
  )
  server.tool('later', {}, (_args, ctx) => ctx.task(async () => 'done'))
  server.resource('soak://one', { name: 'one' }, () => 'x'.repeat(2_000))
  server.prompt('greet', { arguments: { who: { required: true } } }, ({ who }) => `Greet ${who}`)
  const running = await serve(server, { sessions: { idleMs: 60_000, maximum: 2_000 } })
  process.send({ url: running.url })
  process.on('message', what => {
    if (what === 'change') {
      server.resourceUpdated('soak://one')
      server.tool('extra', {}, () => 'x').remove()
      return
    }
    globalThis.gc?.()
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    process.send({ heapUsed, rss, handles: process.getActiveResourcesInfo().length })
  })
}

async function soak() {
  const { connect } = await import(`${built}/client.js`)
  const child = fork(fileURLToPath(import.meta.url), [built, '--serve'], { execArgv: ['--expose-gc'] })
  const told = () => new Promise(done => child.once('message', done))
  const { url } = await told()
  const look = async () => {
    const answer = told()
    child.send('look')
    return answer
  }
  const open = revision =>
    connect(url, {
      revision,
      timeoutMs: 600_000,
      elicitation: { form: () => ({ action: 'accept', content: { yes: true } }) },
    })
  const kinds = [
    client => client.callTool('add', { a: 1, b: 2 }),
    client => client.callTool('add', { a: 1, b: 2 }),
    client => client.callTool('add', { a: 'one' }),
    client => client.callTool('steps', {}, { onProgress: () => undefined }),
    client => client.callTool('fail', {}),
    client => client.callTool('ask', {}),
    client => client.callTool('midway', {}),
    client => client.callTool('later', {}),
    client => client.readResource('soak://one'),
    client => client.getPrompt('greet', { who: 'you' }),
    client => client.listTools(),
    client => client.callTool('nothing', {}).catch(() => undefined),
  ]
  const total = Number(values.calls)
  let done = 0
  const call = async (client, index) => {
    await kinds[index % kinds.length](client)
    done += 1
  }
  /** Sessions come and go as well: each of them makes a hundred calls. */
  const worker = async (worker, until) => {
    while (done < until) {
      const client = await open(worker % 2 === 0 ? '2026-07-28' : '2025-11-25')
      for (let index = 0; index < 100 && done < until; index += 1) await call(client, index + worker)
      await client.close()
    }
  }
  const subscribe = async count => {
    const client = await open('2026-07-28')
    const subscriptions = await Promise.all(
      Array.from({ length: count }, () => client.subscribe({ tools: true, uris: ['soak://one'] }, () => undefined)),
    )
    child.send('change')
    await new Promise(resolve => setTimeout(resolve, 300))
    await Promise.all(subscriptions.map(subscription => subscription.close()))
    await client.close()
  }

  const show = (what, { heapUsed, rss, handles }) =>
    console.log(
      `${what.padEnd(34)} heap ${(heapUsed / 1e6).toFixed(1)} MB   rss ${(rss / 1e6).toFixed(0)} MB   handles ${handles}`,
    )
  const stages = 10
  let first
  show('at the start', await look())
  for (let stage = 1; stage <= stages; stage += 1) {
    await Promise.all([0, 1, 2, 3, 4, 5].map(each => worker(each, (total / stages) * stage)))
    await subscribe(Number(values.subscriptions) / stages)
    // Tasks live for two seconds.
    await new Promise(resolve => setTimeout(resolve, 3_000))
    const seen = await look()
    first ??= seen
    show(`after ${done} calls, ${(Number(values.subscriptions) / stages) * stage} subscriptions`, seen)
    if (stage === stages) {
      const grown = (seen.heapUsed - first.heapUsed) / 1e6
      console.log(`\nheap since the first tenth: ${grown.toFixed(1)} MB`)
      process.exitCode = grown > 5 ? 1 : 0
    }
  }
  child.kill()
}
