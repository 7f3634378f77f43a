import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

it('every founding rule has a test that carries its number, and docs/requirements.md says which', () => {
  const { stderr } = spawnSync(process.execPath, ['scripts/requirements.mjs', '--check'], { encoding: 'utf8' })
  expect(stderr).toBe('')
})

it('every field case has a test that carries its id, or a reason why not, and docs/field-cases.md says which', () => {
  const { stderr } = spawnSync(process.execPath, ['scripts/field-cases.mjs', '--check'], { encoding: 'utf8' })
  expect(stderr).toBe('')
})

it('package-lock.json has an entry for every platform package, or `npm ci` would refuse it elsewhere', () => {
  const check = (file: string): string =>
    spawnSync(process.execPath, ['scripts/lockfile.mjs', file, '--check'], { encoding: 'utf8' }).stderr
  expect(check('package-lock.json')).toBe('')
  expect(check('conformance/package-lock.json')).toBe('')
  expect(check('test/interop/peers/package-lock.json')).toBe('')
  expect(check('test/runtimes/package-lock.json')).toBe('')
})
