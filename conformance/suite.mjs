// Starts the official suite and reads what it recorded: its checks.json files, not its prose.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suiteEntry, suiteNode } from './install.mjs'

const results = fileURLToPath(new URL('./results/', import.meta.url))
const fixture = fileURLToPath(new URL('./client.mjs', import.meta.url))
/** The fixture runs on the Node that runs this script: the one whose users it stands for. */
const clientCommand = `"${process.execPath}" "${fixture}"`

/** After this long the suite gives a client up. The fixture's own time-out for a call is shorter. */
const TIMEOUT_MS = '30000'

function suite(args, { timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(suiteNode, ['--no-deprecation', suiteEntry, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    const output = []
    child.stdout.on('data', chunk => output.push(chunk))
    child.stderr.on('data', chunk => output.push(chunk))
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.on('error', reject)
    child.on('close', status => {
      clearTimeout(timer)
      resolve({ status: status ?? 1, output: Buffer.concat(output).toString() })
    })
  })
}

/** Names of every client scenario the installed suite has. */
export async function clientScenarios() {
  const { output } = await suite(['list', '--client'], { timeoutMs: 30_000 })
  return [...output.matchAll(/^ {2}- (\S+) \[/gm)].map(match => match[1])
}

/** Reads every checks.json below `folder`: scenario → counts and what went wrong. */
function readResults(folder) {
  const scenarios = new Map()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('checks.json')) continue
    const scenario = relative('.', join(file, '..'))
      .replaceAll('\\', '/')
      .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    const checks = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const count = status => checks.filter(check => check.status === status).length
    scenarios.set(scenario, {
      passed: count('SUCCESS'),
      failed: count('FAILURE'),
      warned: count('WARNING'),
      problems: checks
        .filter(check => check.status === 'FAILURE' || check.status === 'WARNING')
        .map(check => `${check.status} ${check.id}: ${check.errorMessage ?? check.description}`),
      folder: join(folder, file, '..'),
    })
  }
  return scenarios
}

const fresh = name => {
  const folder = join(results, name.replaceAll('/', '_'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Runs one leg in suite mode: all its scenarios side by side, the client's exit codes ignored by the suite. */
export async function runLeg(leg) {
  const folder = fresh(`leg-${leg}`)
  const selection = leg === 'all' ? ['--suite', 'all'] : ['--requirements', leg]
  const { status, output } = await suite(
    ['client', '--command', clientCommand, ...selection, '--timeout', TIMEOUT_MS, '-o', folder],
    {
      timeoutMs: 240_000,
    },
  )
  return { status, output, scenarios: readResults(folder) }
}

/** Runs one scenario on its own, where the client's exit code and time-out count. */
export async function runScenario(scenario) {
  const folder = fresh(`single-${scenario}`)
  const { status, output } = await suite(
    ['client', '--command', clientCommand, '--scenario', scenario, '--timeout', TIMEOUT_MS, '-o', folder],
    { timeoutMs: 120_000 },
  )
  const result = readResults(folder).get(scenario)
  return {
    status,
    output,
    ...(result ?? { passed: 0, failed: 0, warned: 0, problems: ['no checks.json was written'], folder }),
  }
}
