import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FINDING_GROUPS, FINDINGS } from '../../src/doctor/finding.ts'

it('docs/errors.md lists every finding of the doctor as it is', () => {
  const input = JSON.stringify(FINDING_GROUPS)
  const { stderr } = spawnSync(process.execPath, ['scripts/errors.mjs', '--check', '-'], { encoding: 'utf8', input })
  expect(stderr).toBe('')
  const grouped = Object.values(FINDING_GROUPS).flatMap(group => Object.keys(group))
  expect(grouped).toEqual(Object.keys(FINDINGS))
})

it('every finding of the doctor is driven by a test that names it', () => {
  const tests = ['test/doctor', 'test/cli'].flatMap(folder =>
    readdirSync(folder)
      .filter(file => file.endsWith('.ts'))
      .map(file => readFileSync(`${folder}/${file}`, 'utf8')),
  )
  const untested = Object.keys(FINDINGS).filter(code => !tests.some(text => text.includes(`'${code}'`)))
  expect(untested).toEqual([])
})
