import { expect } from 'vitest'
import type { Diagnosis } from '../../src/doctor/diagnosis.ts'
import { type Run, type RunOptions, runInProcess, type World } from './world.ts'

/** A value that must never be shown. */
export const CANARY = 'canary-4f1d0c8a7e2b'

export interface DoctorRun {
  readonly run: Run
  readonly diagnosis: Diagnosis
  /** Codes of the findings by severity. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
}

/** No pause between the tries of what may pass. */
const AT_ONCE: RunOptions = { sleep: () => Promise.resolve() }

/** Runs `latchkey doctor` as a program and as a person would, and expects both to say the same and to show no secret. */
export async function runDoctor(
  world: World,
  url: string,
  given: { readonly args?: readonly string[]; readonly env?: RunOptions['env'] } = {},
): Promise<DoctorRun> {
  const { args = [], env = {} } = given
  const options = { ...AT_ONCE, env: { ...world.env, CANARY, ...env } }
  const command = ['doctor', url, '--header', 'X-Canary=CANARY', ...args]
  const run = await runInProcess([...command, '--json', '--verbose'], options, () => world.clock.now())
  expect(run.stdout.trim().split('\n'), run.stdout + run.stderr).toHaveLength(1)
  const diagnosis = JSON.parse(run.stdout) as Diagnosis
  expect(diagnosis.steps, run.stdout).toBeDefined()
  const secrets = [CANARY, ...world.leaked(run.stdout, run.stderr)]
  for (const secret of secrets) expect(run.stdout + run.stderr).not.toContain(secret)
  const codes = (severity: string): readonly string[] =>
    diagnosis.findings.filter(finding => finding.severity === severity).map(({ code }) => code)
  expect(diagnosis.ok).toBe(codes('error').length === 0)
  expect(diagnosis.steps.every(({ ok }) => ok)).toBe(diagnosis.ok)
  return { run, diagnosis, errors: codes('error'), warnings: codes('warning'), infos: codes('info') }
}
