// The committed table: how many checks each scenario passes at least, by side and leg; and when a result is good.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('minimum-checks.json', import.meta.url)

/** Side → leg → scenario → number of checks. */
export const minimumChecks = JSON.parse(readFileSync(file, 'utf8'))

/** Checks that the suite itself never runs against us, by scenario. Whatever else is skipped is a failure. */
const SKIPPED_BY_THE_SUITE = {
  // The stateless revisions have no such messages.
  'http-standard-headers': [
    'Client sends correct Mcp-Method header on initialize request',
    'Client sends correct Mcp-Method header on notifications/initialized request',
  ],
  // The suite does not listen yet where these notifications arrive: all of the scenario.
  'tasks-status-notifications': ['Status notifications conformance, pending subscriptions/listen rewrite.'],
}

/** What is wrong with one scenario's result, in words; nothing when it passes. `minimum` is left out while numbers are being recorded. */
export function verdict(scenario, result, minimum) {
  if (!result) return ['did not run']
  const expectedSkips = SKIPPED_BY_THE_SUITE[scenario] ?? []
  const skipped = result.skipped.filter(check => !expectedSkips.includes(check))
  return [
    ...result.problems,
    ...skipped.map(check => `SKIPPED ${check}`),
    ...(minimum ? tooFew(scenario, result, minimum[scenario]) : []),
    ...(result.status ? [`exit code ${result.status}`] : []),
  ]
}

function tooFew(scenario, { passed, skipped }, minimum) {
  if (minimum === undefined && skipped.length > 0 && passed === 0) return []
  if (minimum === undefined) return ['not in minimum-checks.json']
  return passed < minimum ? [`only ${passed} checks passed, ${minimum} did before`] : []
}

/** Raises the committed numbers of one leg to what was seen without a problem; never lowers one. */
export function record(side, leg, scenarios) {
  const minimum = ((minimumChecks[side] ??= {})[leg] ??= {})
  for (const [scenario, result] of scenarios) {
    const isGood = verdict(scenario, result).length === 0 && result.passed > 0
    if (isGood) minimum[scenario] = Math.max(minimum[scenario] ?? 0, result.passed)
  }
  writeFileSync(file, `${JSON.stringify(minimumChecks, null, 2)}\n`)
}
