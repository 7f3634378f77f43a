// Runs the official conformance suite against Latchkey and fails on anything less than the committed table says.
//
//   node conformance/run.mjs [client] [--only all|2025-11-25|2026-07-28|single] [--scenario NAME]… [--record]
//
// The suite passes vacuously in places, so passing means: no failure, no warning, at least the committed number of passed checks in every
// leg, and exit code 0 when the scenario runs on its own.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { install } from './install.mjs'
import { clientScenarios, runLeg, runScenario } from './suite.mjs'

const LEGS = ['all', '2025-11-25', '2026-07-28']
const PARALLEL = 2

const path = file => fileURLToPath(new URL(file, import.meta.url))
const readJson = file => JSON.parse(readFileSync(path(file), 'utf8'))
const seconds = since => `${((Date.now() - since) / 1000).toFixed(1)} s`

function buildLibrary() {
  const newest = folder =>
    Math.max(
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(file => statSync(`${folder}/${file}`).mtimeMs),
    )
  if (existsSync(path('../dist/client.js')) && newest(path('../dist')) >= newest(path('../src'))) return
  console.log('building the library, whose compiled files the fixture imports …')
  execFileSync(process.execPath, [path('../scripts/build.mjs')], { stdio: 'inherit' })
}

/** What is wrong with one scenario's result in one leg, in words; nothing when it passes. */
function verdict({ result, minimum }) {
  if (!result) return ['did not run']
  const wrong = [...result.problems]
  if (minimum === undefined) wrong.push('not in minimum-checks.json')
  else if (result.passed < minimum) wrong.push(`only ${result.passed} checks passed, ${minimum} did before`)
  if (result.status !== undefined && result.status !== 0) wrong.push(`exit code ${result.status}`)
  return wrong
}

async function inParallel(items, work) {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
    }),
  )
}

async function main() {
  const started = Date.now()
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, scenario: { type: 'string', multiple: true }, record: { type: 'boolean' } },
  })
  if (positionals.some(side => side !== 'client'))
    throw new Error('only the client leg exists so far: node conformance/run.mjs client')
  if (values.only !== undefined && ![...LEGS, 'single'].includes(values.only)) {
    throw new Error(`--only takes one of ${[...LEGS, 'single'].join(', ')}`)
  }

  install()
  buildLibrary()

  const minimum = readJson('minimum-checks.json').client
  const known = await clientScenarios()
  const failures = []
  const fail = (scenario, leg, wrong) => failures.push({ scenario, leg, wrong })

  const wanted = values.scenario ?? known
  const unknown = wanted.filter(scenario => !known.includes(scenario))
  if (unknown.length > 0)
    throw new Error(`no such scenario: ${unknown.join(', ')}\nThere are:\n  ${known.join('\n  ')}`)

  const seen = Object.fromEntries([...LEGS, 'single'].map(leg => [leg, new Map()]))
  const legs = values.scenario ? [] : LEGS.filter(leg => values.only === undefined || values.only === leg)
  for (const leg of legs) {
    const legStarted = Date.now()
    const { scenarios } = await runLeg(leg)
    seen[leg] = scenarios
    for (const scenario of new Set([...Object.keys(minimum[leg]), ...scenarios.keys()])) {
      const result = scenarios.get(scenario)
      const wrong = verdict({ result, minimum: values.record ? 0 : minimum[leg][scenario] })
      if (wrong.length > 0) fail(scenario, leg, wrong)
    }
    const passed = [...scenarios.values()].reduce((sum, result) => sum + result.passed, 0)
    console.log(`suite mode, ${leg}: ${scenarios.size} scenarios, ${passed} checks passed (${seconds(legStarted)})`)
  }

  if (values.only === undefined || values.only === 'single') {
    const singlesStarted = Date.now()
    let done = 0
    await inParallel(wanted, async scenario => {
      const result = await runScenario(scenario)
      seen.single.set(scenario, result)
      done += 1
      const wrong = verdict({ result, minimum: values.record ? 0 : minimum.all[scenario] })
      if (wrong.length > 0) fail(scenario, 'single', wrong)
      const mark = wrong.length === 0 ? 'ok  ' : 'FAIL'
      console.log(`${`${done}`.padStart(3)}/${wanted.length} ${mark.padEnd(5)} ${scenario} (${result.passed} checks)`)
      if (values.scenario) process.stdout.write(`${result.output}\nresults: ${result.folder}\n`)
    })
    console.log(`every scenario on its own (${seconds(singlesStarted)})`)
  }

  if (values.record) record(seen, minimum)
  report({ seen, failures, wanted })
  console.log(`\n${failures.length === 0 ? 'conformance: all passed' : 'conformance: FAILED'} in ${seconds(started)}`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

/** Raises the committed numbers to what was seen; never lowers one. */
function record(seen, minimum) {
  for (const leg of LEGS) {
    for (const [scenario, result] of seen[leg]) {
      if (result.problems.length > 0) continue
      minimum[leg][scenario] = Math.max(minimum[leg][scenario] ?? 0, result.passed)
    }
  }
  writeFileSync(path('minimum-checks.json'), `${JSON.stringify({ client: minimum }, null, 2)}\n`)
}

function report({ seen, failures, wanted }) {
  const columns = [...LEGS, 'single'].filter(leg => seen[leg].size > 0)
  const cell = (leg, scenario) => {
    const result = seen[leg].get(scenario)
    if (!result) return '–'
    return `${result.passed}${result.failed ? ` F${result.failed}` : ''}${result.warned ? ` W${result.warned}` : ''}`
  }
  const width = Math.max(...wanted.map(scenario => scenario.length))
  console.log(`\n${'checks passed'.padEnd(width)}  ${columns.map(leg => leg.padStart(10)).join('  ')}`)
  for (const scenario of wanted) {
    console.log(`${scenario.padEnd(width)}  ${columns.map(leg => cell(leg, scenario).padStart(10)).join('  ')}`)
  }
  for (const { scenario, leg, wrong } of failures) {
    console.log(`\nFAIL ${scenario} (${leg})`)
    for (const line of wrong) console.log(`     ${line}`)
    const folder = seen[leg]?.get(scenario)?.folder
    if (folder) console.log(`     results: ${folder}`)
  }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
