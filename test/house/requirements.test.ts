import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

it('every founding rule has a test that carries its number, and docs/requirements.md says which', () => {
  const { stderr } = spawnSync(process.execPath, ['scripts/requirements.mjs', '--check'], { encoding: 'utf8' })
  expect(stderr).toBe('')
})
