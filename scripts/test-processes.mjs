// Many processes over one store: killed, stopped, restarted. Ends within two minutes, with a plain summary as its last line.
// Arguments go to vitest: npm run test:processes -- refresh
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, root } from './run.mjs'

const LIMIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'latchkey-processes-'))
const results = join(folder, 'results.json')
const args = [
  'run',
  '--project',
  'processes',
  '--reporter',
  'default',
  '--reporter',
  'json',
  '--outputFile.json',
  results,
  ...process.argv.slice(2),
]
const vitest = spawn(bin('vitest'), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
const limit = setTimeout(() => {
  console.error(`not done after ${LIMIT_MS / 1000} s`)
  vitest.kill()
}, LIMIT_MS)
vitest.on('close', status => {
  clearTimeout(limit)
  process.exitCode = status ?? 1
  console.log(summary())
  rmSync(folder, { recursive: true, force: true })
})

function summary() {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numPendingTests } = JSON.parse(
      readFileSync(results, 'utf8'),
    )
    // A file that could not even begin has no failed test.
    const failed = numFailedTests || (process.exitCode === 0 ? 0 : numFailedTestSuites)
    return `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`
  } catch {
    return '0 passed, 1 failed (no results)'
  }
}
