/**
 * What the server of the tests offers, on whatever runtime; made of the library that it is given, so that it does not matter where that comes from.
 */
export function makeApp({ createApp, createServer, elicit }, options) {
  const givenUp = { count: 0 }
  const server = createServer({ name: 'runtimes', version: '1.0.0', onError: error => console.error(error) })
  const numbers = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] }
  server.tool('add', { input: numbers }, ({ a, b }) => ({ sum: a + b }))
  server.tool('work', {}, async (_args, ctx) => {
    for (const step of [1, 2, 3]) await ctx.progress(step, 3)
    return 'worked'
  })
  const schema = { type: 'object', properties: { sure: { type: 'boolean' } }, required: ['sure'] }
  server.tool(
    'confirm',
    { asks: () => ({ answer: elicit({ message: 'Sure?', schema }) }) },
    (_args, { answers }) => `sure: ${answers.answer.sure}`,
  )
  server.tool('wait', {}, async (_args, ctx) => {
    ctx.signal.addEventListener('abort', () => (givenUp.count += 1), { once: true })
    await ctx.progress(1)
    await new Promise(resolve => ctx.signal.addEventListener('abort', resolve, { once: true }))
    return 'too late'
  })
  server.tool('given_up', {}, () => String(givenUp.count))
  return createApp(server, options)
}
