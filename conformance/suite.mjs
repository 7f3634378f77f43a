// Starts the official suite and reads what it recorded: its checks.json files, not its prose.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suiteEntry, suiteNode } from './install.mjs'
import { start } from './processes.mjs'

const results = fileURLToPath(new URL('./results/', import.meta.url))

/** After this long the suite gives a scenario up: the wait for a turn, and the fixtures' own time-outs, which are shorter. */
const SCENARIO_TIMEOUT_MS = '60000'
/** After this long the suite itself is given up. */
const SUITE_TIMEOUT_MS = 240_000

function suite(args) {
  return new Promise((resolve, reject) => {
    const child = start(suiteNode, ['--no-deprecation', suiteEntry, ...args], {
      // Reading the CAs that a machine adds to Node's own takes a client longer than its scenario.
      env: { ...process.env, NO_COLOR: '1', NODE_EXTRA_CA_CERTS: '' },
    })
    const output = []
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_TIMEOUT_MS)
    child.on('error', reject)
    child.on('close', status => {
      clearTimeout(timer)
      resolve({ status: status ?? 1, output: Buffer.concat(output).toString() })
    })
  })
}

/** Names of every scenario that the installed suite has for one side. */
export async function listScenarios(side) {
  const { output } = await suite(['list', `--${side}`])
  const scenarios = [...output.matchAll(/^ {2}- (\S+) \[/gm)].map(match => match[1])
  if (scenarios.length === 0) throw new Error(`the suite lists no scenario for the ${side}:\n${output}`)
  return scenarios
}

/**
 * Runs a selection of scenarios against one side and returns the suite's exit code, its output, and its results by scenario. `target` is what
 * names the implementation under test to the suite.
 */
export async function runSuite({ side, target, selection, folderName }) {
  const folder = join(results, folderName.replaceAll('/', '_'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { status, output } = await suite([
    side,
    ...target,
    ...selection,
    '--timeout',
    SCENARIO_TIMEOUT_MS,
    '-o',
    folder,
  ])
  return { status, output, folder, scenarios: readResults(folder, side) }
}

/** Reads every checks.json below `folder`: scenario → counts and what went wrong. */
function readResults(folder, side) {
  const scenarios = new Map()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('checks.json')) continue
    const checks = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const withStatus = status => checks.filter(check => check.status === status)
    scenarios.set(scenarioOf(file, side), {
      passed: withStatus('SUCCESS').length,
      failed: withStatus('FAILURE').length,
      warned: withStatus('WARNING').length,
      skipped: withStatus('SKIPPED').map(check => check.description),
      problems: [...withStatus('FAILURE'), ...withStatus('WARNING')].map(
        check => `${check.status} ${check.id}: ${check.errorMessage ?? check.description}`,
      ),
      folder: join(folder, file, '..'),
    })
  }
  return scenarios
}

/** Folders are named after the scenario and the time; those of the server's scenarios begin with `server-`. */
function scenarioOf(file, side) {
  const folder = relative('.', join(file, '..'))
    .replaceAll('\\', '/')
    .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
  return side === 'server' ? folder.replace(/^server-/, '') : folder
}
