import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetLoginSettings, readLoginSettings, writeLoginSettings } from '../../cli/src/login-settings.ts'
import { createWorld } from './world.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-settings-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const key = { server: 'https://h.example/mcp', profile: 'default' }
const other = { ...key, profile: 'work' }

describe('field A1: how a login was made is remembered for each server and profile', () => {
  it('keeps them apart, in a private file, and forgets one alone', async () => {
    await writeLoginSettings(directory, key, { redirectPort: 3118, callbackHost: 'localhost' })
    await writeLoginSettings(directory, other, { callbackPath: '/back' })
    expect(await readLoginSettings(directory, key)).toEqual({ redirectPort: 3118, callbackHost: 'localhost' })
    expect((await stat(join(directory, 'login-settings.json'))).mode & 0o777).toBe(0o600)
    await forgetLoginSettings(directory, key)
    expect(await readLoginSettings(directory, key)).toEqual({})
    expect(await readLoginSettings(directory, other)).toEqual({ callbackPath: '/back' })
  })

  it('writes nothing when there is nothing to keep', async () => {
    await writeLoginSettings(directory, key, {})
    await expect(stat(join(directory, 'login-settings.json'))).rejects.toThrow(/ENOENT/)
  })

  it.each([
    '',
    '{',
    '[]',
    'null',
    JSON.stringify({ 'default https://h.example/mcp': { redirectPort: '1', callbackHost: 'evil' } }),
  ])('is without effect when the file holds %j', async content => {
    await writeFile(join(directory, 'login-settings.json'), content)
    expect(await readLoginSettings(directory, key)).toEqual({})
  })
})

describe('a client-id metadata document', () => {
  it('R-REFRESH-7 is remembered by its URL, so that later commands can refresh', async () => {
    const document = 'https://127.0.0.1:1/client.json'
    await using world = await createWorld({
      clientIdMetadataDocumentSupported: true,
      redirectUriMatch: 'any-loopback-port',
    })
    const login = await world.run(['login', world.url, '--client-metadata-url', document, '--json'])
    expect(login.exitCode, login.stderr).toBe(0)
    expect(JSON.parse(login.stdout)).toMatchObject({ clientId: document, registration: 'client-id-metadata-document' })
    world.clock.now = () => Date.now() + 7_200_000
    const token = await world.run(['token', world.url])
    expect(token.exitCode, token.stderr).toBe(0)
    expect(world.server.requestsTo('token:refresh_token')[0]?.form?.get('client_id')).toBe(document)
    expect(await readFile(join(world.env['LATCHKEY_HOME'] ?? '', 'login-settings.json'), 'utf8')).toContain(document)
    await world.run(['logout', world.url, '--client'])
    expect(await readFile(join(world.env['LATCHKEY_HOME'] ?? '', 'login-settings.json'), 'utf8')).not.toContain(
      document,
    )
  })

  it('is not remembered when the login fails', async () => {
    await using world = await createWorld({ authorizationError: 'access_denied' })
    expect((await world.run(['login', world.url, '--callback-path', '/back'])).exitCode).toBe(4)
    await expect(stat(join(world.env['LATCHKEY_HOME'] ?? '', 'login-settings.json'))).rejects.toThrow(/ENOENT/)
  })
})
