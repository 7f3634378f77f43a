// A program that connects to a server and ends as its second argument says, without closing anything. The first is the built library.
const [library, mode, server] = process.argv.slice(2)
const { connectStdio } = await import(`file://${library}/stdio.js`)

const client = await connectStdio({
  command: process.execPath,
  args: [new URL('odd-server.mjs', import.meta.url).pathname, server],
  onStderr: line => process.stdout.write(`${line}\n`),
})

if (mode === 'listens') process.on('SIGINT', () => process.stdout.write('heard\n'))
if (mode === 'polite') {
  // As libraries do that restore the terminal: they end the process only where nobody else listens.
  const onSignal = () => {
    if (process.listenerCount('SIGINT') > 1) return
    process.off('SIGINT', onSignal)
    process.kill(process.pid, 'SIGINT')
  }
  process.on('SIGINT', onSignal)
}
process.stdin.on('data', async () => {
  await client.callTool('echo')
  process.stdout.write('answered\n')
})
process.stdout.write('ready\n')
if (mode === 'exits') process.exit(0)
if (mode === 'throws') throw new Error('This is a test')
