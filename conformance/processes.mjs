// Child processes that end with this one: when it is done, when it fails, and when somebody presses Ctrl-C.
import { spawn } from 'node:child_process'

const running = new Set()

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => process.exit(status))
}

/** Starts a process that is killed with this one. Its standard input ends with this one too, should this one itself be killed. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
  running.add(child)
  child.once('close', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}
