// A server over stdio: node stdio-server.mjs <built folder>
const [, , built] = process.argv
const { createServer } = await import(`${built}/server.js`)
const { serveStdio } = await import(`${built}/stdio.js`)

const server = createServer({
  name: 'process',
  version: '1',
  onError: error => console.error(`error: ${error.message}`),
})
server.tool('echo', {}, args => JSON.stringify(args))
server.tool('wait', {}, (_args, ctx) => {
  console.error('waiting')
  return new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
})
server.tool('huge', {}, () => 'x'.repeat(5_000_000))
const connection = await serveStdio(server)
console.error('ready')
server.tool('close', {}, () => {
  setTimeout(() => void connection.close(), 10)
  return 'closing'
})
server.tool('close-server', {}, () => {
  setTimeout(() => void server.close(), 10)
  return 'closing'
})
process.on('exit', code => console.error(`exit ${code}`))
