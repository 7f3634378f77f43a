// Runs named steps one after the other (or together), with times; the first failure ends the run.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs one command; `quiet` keeps its output back unless it fails. Rejects when it fails. */
export function run(name, command, { quiet = false, env = {} } = {}) {
  const started = Date.now()
  const [file, ...args] = command
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    const output = []
    child.stdout?.on('data', chunk => output.push(chunk))
    child.stderr?.on('data', chunk => output.push(chunk))
    child.on('error', reject)
    child.on('close', status => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1)
      console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
      if (status === 0) return resolve()
      if (quiet) process.stdout.write(Buffer.concat(output))
      reject(new Error(`${name} failed: ${command.join(' ')}`))
    })
  })
}

/** Ends the process with 1 and one line when `steps` fails. */
export async function main(steps) {
  const started = Date.now()
  try {
    await steps()
    console.log(`all passed in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

export const node = process.execPath
export const bin = name => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))
