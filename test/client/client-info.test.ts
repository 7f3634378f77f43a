import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { DEFAULT_CLIENT_INFO } from '../../src/client/client-info.ts'

it('a client names itself with the version of the package', () => {
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string }
  expect(DEFAULT_CLIENT_INFO).toEqual({ name, version })
})
