// Shows the whole life of a login against real servers: builds what is missing, then runs demo/src/main.ts.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { main, node, root, run } from './run.mjs'

const compiled = ['dist/node.js', 'cli/dist/main.js', 'demo/dist/main.js'].map(file => `${root}${file}`)

if (!compiled.every(file => existsSync(file))) await main(() => run('build', [node, 'scripts/build.mjs']))

if (!process.exitCode) {
  const demo = spawn(node, [`${root}demo/dist/main.js`, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the child by the terminal; a signal to this process alone is handed on.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill(signal))
  process.exitCode = await new Promise(resolve => demo.on('close', code => resolve(code ?? 1)))
}
