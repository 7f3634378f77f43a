import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chooseSettings } from '../../cli/src/chosen-settings.ts'
import type { LoginOptions } from '../../cli/src/login-options.ts'
import type { LoginSettings } from '../../cli/src/login-settings.ts'

const login = (options: Partial<LoginOptions>): LoginOptions => ({
  profile: 'default',
  header: [],
  browser: true,
  ...options,
})
const choose = (stored: LoginSettings, options: Partial<LoginOptions>): LoginSettings =>
  chooseSettings(stored, login(options))

const robot = { grant: 'client-credentials', clientId: 'robot', clientSecretEnv: 'SECRET' } as const

describe('how to log in is what the options say, else what the last login did', () => {
  it('R-CC-1 a machine is remembered with the name of its variable or the path of its key', () => {
    expect(choose({}, robot)).toEqual(robot)
    expect(choose(robot, {})).toEqual(robot)
    expect(chooseSettings(robot, undefined)).toEqual(robot)
    expect(choose({}, { grant: 'client-credentials', clientId: 'robot', clientKey: 'key.pem' })).toEqual({
      grant: 'client-credentials',
      clientId: 'robot',
      clientKey: resolve('key.pem'),
    })
  })

  it('R-CC-1 an id does not go with the secret of another', () => {
    expect(choose(robot, { clientId: 'other' })).toEqual({ grant: 'client-credentials', clientId: 'other' })
    expect(choose(robot, { clientId: 'robot', clientKey: 'k' })).not.toHaveProperty('clientSecretEnv')
  })

  it('a person does not log in as the machine, nor the machine as a person’s client', () => {
    expect(choose(robot, { grant: 'authorization-code' })).toEqual({})
    expect(choose(robot, { device: true })).toEqual({ grant: 'device' })
    const keyed = { clientId: 'app', clientKey: '/key.pem' }
    expect(() => choose(keyed, { grant: 'client-credentials' })).toThrow(/needs --client-id/)
    expect(choose(keyed, { device: true })).toEqual({ grant: 'device', ...keyed })
  })

  it.each([
    { redirectPort: 3118 },
    { callbackHost: 'localhost' as const },
    { callbackPath: '/back' },
    { browser: false },
  ])('%j means the browser, whatever was last', options => {
    for (const stored of [robot, { grant: 'device' } as const]) {
      expect(choose(stored, options)).not.toHaveProperty('grant')
      expect(choose(stored, options)).not.toHaveProperty('clientSecretEnv')
    }
    for (const grant of ['device', 'client-credentials'] as const) {
      expect(() => choose({}, { ...options, grant, clientId: 'robot' })).toThrow(/is for a login in the browser/)
    }
  })

  it('R-DEVICE-1 --device is remembered, and so is where the browser would have gone', () => {
    const shape = { redirectPort: 3118, callbackHost: 'localhost', callbackPath: '/back' } as const
    expect(choose(shape, { device: true })).toEqual({ ...shape, grant: 'device' })
    expect(choose({ ...shape, grant: 'device' }, { grant: 'authorization-code' })).toEqual(shape)
  })

  it('a client with a secret is left to the record of the login', () => {
    expect(choose({}, { clientId: 'app', clientSecretEnv: 'SECRET' })).toEqual({})
  })

  it('R-CIMD-5 a key goes with a client id or with a document', () => {
    const clientMetadataUrl = 'https://app.example.com/client.json'
    const settings = choose({}, { clientMetadataUrl, clientKey: '/key.pem' })
    expect(settings).toEqual({ clientMetadataUrl, clientKey: '/key.pem' })
    expect(choose(settings, {})).toEqual(settings)
    expect(choose(settings, { clientMetadataUrl: 'https://app.example.com/other.json' })).not.toHaveProperty(
      'clientKey',
    )
  })

  it.each([
    [{ grant: 'client-credentials' }, /needs --client-id/],
    [{ grant: 'client-credentials', clientId: 'a', clientMetadataUrl: 'https://c.example/c' }, /for people/],
    [{ clientSecretEnv: 'SECRET' }, /needs --client-id/],
    [{ clientId: 'a', clientKey: 'k', clientSecretEnv: 'S' }, /two ways/],
    [{ clientKey: 'k' }, /needs --client-id or --client-metadata-url/],
  ] as const)('%j is a usage error', (options, message) => {
    expect(() => choose({}, options)).toThrow(message)
  })
})
