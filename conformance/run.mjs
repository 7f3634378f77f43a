// Runs the official conformance suite against Latchkey and fails on anything less than the committed table says.
//
//   node conformance/run.mjs [client|server] [--only all|2025-11-25|2026-07-28|single] [--scenario NAME]… [--record]
//
// The suite passes vacuously in places, and does not even print a server's warnings. So passing means: no failure, no warning, nothing skipped
// but what the suite always skips, at least the committed number of passed checks in every leg, every scenario of the installed suite run, and
// for the client exit code 0 when a scenario runs on its own.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { install } from './install.mjs'
import { report } from './report.mjs'
import { sides } from './sides.mjs'
import { listScenarios, runSuite } from './suite.mjs'
import { minimumChecks, record, verdict } from './table.mjs'

/** Runs of many scenarios: all that there are, and what each revision requires, in that revision. */
const LEGS = ['all', '2025-11-25', '2026-07-28']
const PARALLEL = 2

const path = file => fileURLToPath(new URL(file, import.meta.url))
const seconds = since => `${((Date.now() - since) / 1000).toFixed(1)} s`

function buildLibrary() {
  const newest = folder =>
    Math.max(
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(file => statSync(`${folder}/${file}`).mtimeMs),
    )
  if (existsSync(path('../dist')) && newest(path('../dist')) >= newest(path('../src'))) return
  console.log('building the library, whose compiled files the fixtures import …')
  execFileSync(process.execPath, [path('../scripts/build.mjs')], { stdio: 'inherit' })
}

async function inParallel(items, work) {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
    }),
  )
}

/** Runs one leg in suite mode, where the suite ignores the client's exit codes. */
async function runLeg({ side, leg, known, isRecording }) {
  const started = Date.now()
  const selection = leg === 'all' ? ['--suite', 'all'] : ['--requirements', leg]
  const { status, output, folder, scenarios } = await sides[side].use(target =>
    runSuite({ side, target, selection, folderName: `${side}-${leg}` }),
  )
  const minimum = minimumChecks[side]?.[leg] ?? {}
  const expected = new Set([...(leg === 'all' ? known : []), ...Object.keys(minimum), ...scenarios.keys()])
  const failures = [...expected].flatMap(scenario => {
    const wrong = verdict(scenario, scenarios.get(scenario), isRecording ? undefined : minimum)
    return wrong.length > 0 ? [{ scenario, leg, wrong, folder: scenarios.get(scenario)?.folder }] : []
  })
  if (status !== 0 && failures.length === 0) {
    failures.push({
      scenario: 'the suite',
      leg,
      wrong: [`exit code ${status}`, ...output.trim().split('\n').slice(-5)],
      folder,
    })
  }
  if (isRecording) record(side, leg, scenarios)
  const passed = [...scenarios.values()].reduce((sum, result) => sum + result.passed, 0)
  console.log(`${side}, suite mode, ${leg}: ${scenarios.size} scenarios, ${passed} checks passed (${seconds(started)})`)
  return { scenarios, failures }
}

/** Runs scenarios each on its own. */
async function runSingles({ side, wanted, isRecording, showsOutput }) {
  const started = Date.now()
  const scenarios = new Map()
  const failures = []
  await sides[side].use(target =>
    inParallel(wanted, async scenario => {
      const selection = ['--scenario', scenario]
      const { status, output, folder, ...run } = await runSuite({
        side,
        target,
        selection,
        folderName: `${side}-single-${scenario}`,
      })
      const result = { ...(run.scenarios.get(scenario) ?? nothing(folder)), status }
      scenarios.set(scenario, result)
      const wrong = verdict(scenario, result, isRecording ? undefined : (minimumChecks[side]?.all ?? {}))
      if (wrong.length > 0) failures.push({ scenario, leg: 'single', wrong, folder: result.folder })
      const mark = (wrong.length === 0 ? 'ok' : 'FAIL').padEnd(5)
      console.log(`${`${scenarios.size}`.padStart(3)}/${wanted.length} ${mark} ${scenario} (${result.passed} checks)`)
      if (showsOutput) process.stdout.write(`${output}\nresults: ${result.folder}\n`)
    }),
  )
  console.log(`${side}, every scenario on its own (${seconds(started)})`)
  return { scenarios, failures }
}

const nothing = folder => ({
  passed: 0,
  failed: 0,
  warned: 0,
  skipped: [],
  problems: ['no checks.json was written'],
  folder,
})

/** Runs the wanted legs of one side, and reports; whether all passed. */
async function runSide(side, { only, scenario: named, record: isRecording = false }) {
  const known = await listScenarios(side)
  const unknown = (named ?? []).filter(scenario => !known.includes(scenario))
  if (unknown.length > 0)
    throw new Error(`no such scenario: ${unknown.join(', ')}\nThere are:\n  ${known.join('\n  ')}`)

  const seen = {}
  for (const leg of LEGS) {
    if (named === undefined && (only ?? leg) === leg) seen[leg] = await runLeg({ side, leg, known, isRecording })
  }
  if (named !== undefined || only === 'single' || (only === undefined && sides[side].singles)) {
    const showsOutput = named !== undefined
    seen.single = await runSingles({ side, wanted: named ?? known, isRecording, showsOutput })
  }
  return report({ scenarios: named ?? known, seen })
}

async function main() {
  const started = Date.now()
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, scenario: { type: 'string', multiple: true }, record: { type: 'boolean' } },
  })
  const wanted = positionals.length > 0 ? positionals : Object.keys(sides)
  if (wanted.some(side => !Object.hasOwn(sides, side)))
    throw new Error(`the sides are ${Object.keys(sides).join(' and ')}`)
  if (values.only !== undefined && ![...LEGS, 'single'].includes(values.only)) {
    throw new Error(`--only takes one of ${[...LEGS, 'single'].join(', ')}`)
  }
  if (values.scenario && wanted.length > 1) throw new Error('--scenario needs to know the side: client or server')

  install()
  buildLibrary()

  let passed = true
  for (const side of wanted) passed = (await runSide(side, values)) && passed
  console.log(`\nconformance: ${passed ? 'all passed' : 'FAILED'} in ${seconds(started)}`)
  process.exitCode = passed ? 0 : 1
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
