import { describe, expect, it } from 'vitest'
import { safeEnvironment, secretsIn } from '../../src/stdio/environment.ts'

describe('the environment of a server', () => {
  it('holds what programs need, and no key or token of the host', () => {
    const all = {
      HOME: '/home/me',
      PATH: '/bin',
      LANG: 'C.UTF-8',
      GITHUB_TOKEN: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      Path: 'y',
    }
    expect(safeEnvironment(all, 'linux')).toEqual({ HOME: '/home/me', PATH: '/bin', LANG: 'C.UTF-8' })
  })

  it('knows that names have no case on Windows', () => {
    expect(safeEnvironment({ Path: 'C:\\', SystemRoot: 'C:\\windows', HOME: 'x' }, 'win32')).toEqual({
      Path: 'C:\\',
      SystemRoot: 'C:\\windows',
    })
  })

  it('leaves out shell functions', () => {
    expect(safeEnvironment({ TERM: '() { :; }; echo x' }, 'linux')).toEqual({})
  })

  it('tells secrets by the names of variables and flags', () => {
    const variables = { API_KEY: 'key-value', DEBUG: 'all', DB_PASSWORD: 'pass-value' }
    const args = ['serve', '--token', 'flag-value', '--client-secret=inline=value', '--port', '80']
    expect([...secretsIn(variables, args)].sort()).toEqual(['flag-value', 'inline=value', 'key-value', 'pass-value'])
  })
})
