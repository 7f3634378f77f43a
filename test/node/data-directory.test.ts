import { describe, expect, it } from 'vitest'
import { dataDirectory } from '../../src/node/data-directory.ts'

const home = '/home/ada'

describe('the data directory', () => {
  it.each([
    ['linux', {}, home, '/home/ada/.local/share/latchkey'],
    ['linux', { XDG_DATA_HOME: '/data' }, home, '/data/latchkey'],
    ['linux', { XDG_DATA_HOME: '' }, home, '/home/ada/.local/share/latchkey'],
    ['linux', { XDG_DATA_HOME: 'relative' }, home, '/home/ada/.local/share/latchkey'],
    ['freebsd', {}, home, '/home/ada/.local/share/latchkey'],
    ['darwin', { XDG_DATA_HOME: '/data' }, '/Users/ada', '/Users/ada/Library/Application Support/latchkey'],
    ['win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\ada', 'D:\\Local\\latchkey'],
    ['win32', {}, 'C:\\Users\\ada', 'C:\\Users\\ada\\AppData\\Local\\latchkey'],
  ] as const)('on %s with %j and home %s is %s', (platform, env, home, expected) => {
    expect(dataDirectory({ platform, env, home })).toBe(expected)
  })

  it.each(['linux', 'darwin', 'win32'] as const)('on %s is LATCHKEY_HOME whenever it is set', platform => {
    const env = { LATCHKEY_HOME: '/state', XDG_DATA_HOME: '/data', LOCALAPPDATA: 'D:\\Local' }
    expect(dataDirectory({ platform, env, home })).toBe('/state')
  })

  it('needs no home folder when LATCHKEY_HOME is set', () => {
    const surroundings = {
      platform: 'linux' as const,
      env: { LATCHKEY_HOME: '/state' },
      get home(): string {
        throw new Error('this user has no home folder')
      },
    }
    expect(dataDirectory(surroundings)).toBe('/state')
  })
})
