import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { createKeyringSession, withoutKeyring, type KeyringSession } from './keyring-session.ts'

const child = fileURLToPath(new URL('keychain-child.mjs', import.meta.url))

const library = inject('library')

interface Said {
  readonly version?: number
  readonly found?: string
  readonly error?: { readonly name: string; readonly code: string; readonly message: string; readonly hint: string }
  readonly store: string
}

const command = (what: 'read' | 'write', profile = 'default'): string =>
  `'${process.execPath}' '${child}' '${join(library, 'node.js')}' ${what} ${profile}`

const parsed = (text: string): Said[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Said)

async function session(): Promise<KeyringSession> {
  const made = await createKeyringSession()
  onTestFinished(() => made.remove())
  return made
}

const dataKey = ({ home }: KeyringSession): Promise<string> =>
  readFile(join(home, 'latchkey', 'credentials', 'data-key'), 'utf8')

describe.skipIf(withoutKeyring)('under GNOME Keyring in a D-Bus session', () => {
  it('field L2: the data key is in the keychain, and a later process in another session finds it there', async () => {
    const keyring = await session()
    const [first] = parsed(await keyring.run('unlocked', command('write')))
    expect(first).toMatchObject({ version: 1, found: 'default' })
    expect(first?.store).toContain('opened by a key in the login keychain (Secret Service)')
    expect(JSON.parse(await dataKey(keyring))).toMatchObject({ format: 1, keychain: { account: expect.any(String) } })
    expect(parsed(await keyring.run('unlocked', command('read')))).toMatchObject([{ found: 'default' }])
  })

  it('processes that make the store at once end with one key', async () => {
    const keyring = await session()
    const profiles = ['a', 'b', 'c', 'd']
    const writers = profiles.map(profile => `${command('write', profile)} & `).join('')
    expect(parsed(await keyring.run('unlocked', `${writers} wait`)).map(({ version }) => version)).toEqual([1, 1, 1, 1])
    const readers = profiles.map(profile => command('read', profile)).join(';')
    expect(parsed(await keyring.run('unlocked', readers)).map(({ found }) => found)).toEqual(profiles)
  })

  it.each([
    ['locked', 'cannot be had from the login keychain (Secret Service)'],
    ['none', 'cannot be had from the login keychain (Secret Service)'],
  ] as const)(
    'field L4: with the keychain %s a login that exists is unreadable, and is there again later',
    async (state, words) => {
      const keyring = await session()
      await keyring.run('unlocked', command('write'))
      const before = await dataKey(keyring)
      const said = parsed(await keyring.run(state, `${command('read')}; ${command('write', 'other')}`))
      for (const each of said) {
        expect(each.error).toMatchObject({
          name: 'StoreError',
          code: 'unreadable',
          message: expect.stringContaining(words),
        })
        expect(each.error?.hint).toContain('LATCHKEY_STORE=file')
      }
      expect(await dataKey(keyring)).toBe(before)
      expect(parsed(await keyring.run('unlocked', command('read')))).toMatchObject([{ found: 'default' }])
    },
  )

  it('field L3: where no keychain answers, a key file is made that stays in use when one does', async () => {
    const keyring = await session()
    const [first] = parsed(await keyring.run('none', command('write')))
    expect(first).toMatchObject({ version: 1, found: 'default' })
    expect(first?.store).toContain('opened by a key file, because no keychain could be used: ')
    const [later] = parsed(await keyring.run('unlocked', command('read')))
    expect(later).toMatchObject({ found: 'default', store: first?.store })
  })

  it('LATCHKEY_STORE=keychain insists, LATCHKEY_STORE=file leaves the keychain alone', async () => {
    const keyring = await session()
    const [refused] = parsed(await keyring.run('none', command('write'), { LATCHKEY_STORE: 'keychain' }))
    expect(refused?.error).toMatchObject({ code: 'unreadable' })
    await expect(dataKey(keyring)).rejects.toMatchObject({ code: 'ENOENT' })
    const [file] = parsed(await keyring.run('unlocked', command('write'), { LATCHKEY_STORE: 'file' }))
    expect(file).toMatchObject({ found: 'default', store: expect.stringContaining('a key file, as was asked for') })
  })
})
