import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openBrowser } from '../../src/node/open-browser.ts'
import { temporaryFolder } from './folder.ts'

/** A folder for `PATH` whose programs write down their arguments, one a line after their number, and end with `code`. */
async function programs(
  names: readonly string[],
  code = 0,
): Promise<{ folder: string; calls: () => Promise<Record<string, readonly string[]>> }> {
  const folder = join(await temporaryFolder(), 'bin')
  await mkdir(folder)
  for (const name of names) {
    const path = join(folder, name)
    await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$#" "$@" >> "$0.calls"\nexit ${code}\n`)
    await chmod(path, 0o700)
  }
  const calls = async (): Promise<Record<string, readonly string[]>> => {
    const files = (await readdir(folder)).filter(file => file.endsWith('.calls'))
    const read = files.map(async file => [
      file.slice(0, -'.calls'.length),
      (await readFile(join(folder, file), 'utf8')).trim().split('\n'),
    ])
    return Object.fromEntries(await Promise.all(read))
  }
  return { folder, calls }
}

const hostile = [
  'https://as.example.com/a?x=1&y=2&calc.exe',
  'https://as.example.com/$(touch${IFS}pwned)',
  'https://as.example.com/`touch pwned`',
  `https://as.example.com/'";touch pwned;#`,
  'https://as.example.com/?a=%22%26calc%26%22|calc',
  'https://as.example.com/?--help',
  'https://as.example.com/a b\nc',
]

describe('openBrowser', () => {
  it.each(hostile)('field A20: %j reaches BROWSER as its single argument and runs nothing', async address => {
    const { folder, calls } = await programs(['my browser'])
    const url = new URL(address)
    expect(await openBrowser(url, { env: { BROWSER: join(folder, 'my browser') }, platform: 'linux' })).toBe(true)
    expect(await calls()).toEqual({ 'my browser': ['1', url.href] })
    expect(await readdir(folder)).toEqual(['my browser', 'my browser.calls'])
    expect(url.href).toMatch(/^https:\/\//)
  })

  it.each([
    'http://as.example.com/authorize',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'vscode://x',
    'data:text/html,x',
    'ms-settings:',
    '-x:y',
  ])('field A20: %s is opened by nothing', async address => {
    const { folder, calls } = await programs(['b'])
    const url = URL.canParse(address) ? new URL(address) : new URL('about:blank')
    expect(await openBrowser(url, { env: { BROWSER: join(folder, 'b') }, platform: 'linux' })).toBe(false)
    expect(await calls()).toEqual({})
  })

  it('http is opened on loopback', async () => {
    const { folder, calls } = await programs(['b'])
    const url = new URL('http://127.0.0.1:4711/authorize')
    expect(await openBrowser(url, { env: { BROWSER: join(folder, 'b') }, platform: 'linux' })).toBe(true)
    expect(await calls()).toEqual({ b: ['1', url.href] })
  })

  it('BROWSER is a program, never a command line', async () => {
    const { folder, calls } = await programs(['b'])
    const env = { BROWSER: `${join(folder, 'b')} --flag; touch ${join(folder, 'pwned')}` }
    expect(await openBrowser(new URL(hostile[0]!), { env, platform: 'linux' })).toBe(false)
    expect(await calls()).toEqual({})
    expect(await readdir(folder)).toEqual(['b'])
  })

  it.each([
    ['a program that is not there', '/nonexistent/browser'],
    ['a file that is no program', '/etc/hostname'],
    ['a folder', '/tmp'],
    ['a path through a file', '/etc/hostname/browser'],
  ])('%s is no browser, and no exception', async (_, browser) => {
    expect(await openBrowser(new URL(hostile[0]!), { env: { BROWSER: browser }, platform: 'linux' })).toBe(false)
  })

  it('a URL too long for an argument opens nothing, and is no exception', async () => {
    const { folder } = await programs(['b'])
    const url = new URL(`https://as.example.com/?${'a'.repeat(300_000)}`)
    expect(await openBrowser(url, { env: { BROWSER: join(folder, 'b') }, platform: 'linux' })).toBe(false)
  })

  it('an opener that fails has opened nothing', async () => {
    const { folder } = await programs(['xdg-open'], 3)
    expect(await openBrowser(new URL(hostile[0]!), { env: { PATH: folder }, platform: 'linux' })).toBe(false)
  })

  it('an opener that goes on running is a browser', async () => {
    const { folder } = await programs([])
    const path = join(folder, 'b')
    await writeFile(path, '#!/bin/sh\nexec /bin/sleep 4\n')
    await chmod(path, 0o700)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const opened = openBrowser(new URL(hostile[0]!), { env: { BROWSER: path }, platform: 'linux' })
      vi.advanceTimersByTime(1_500)
      expect(await opened).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['linux', {}, { 'xdg-open': ['1', hostile[0]] }],
    ['linux', { WSL_DISTRO_NAME: 'Ubuntu' }, { wslview: ['1', hostile[0]] }],
    ['freebsd', {}, { 'xdg-open': ['1', hostile[0]] }],
  ] as const)('on %s with %j the system’s opener gets it', async (platform, env, expected) => {
    const { folder, calls } = await programs(['xdg-open', 'wslview', 'rundll32.exe'])
    expect(await openBrowser(new URL(hostile[0]!), { env: { ...env, PATH: folder }, platform })).toBe(true)
    expect(await calls()).toEqual(expected)
  })

  it('inside WSL without wslview Windows’ own opener gets it', async () => {
    const { folder, calls } = await programs(['rundll32.exe'])
    const env = { WSL_DISTRO_NAME: 'Ubuntu', PATH: folder }
    expect(await openBrowser(new URL(hostile[0]!), { env, platform: 'linux' })).toBe(true)
    expect(await calls()).toEqual({ 'rundll32.exe': ['2', 'url.dll,FileProtocolHandler', hostile[0]] })
  })

  it.each(['win32', 'darwin'] as const)(
    'field A20: on %s no program of the current folder or PATH is taken',
    async platform => {
      const { folder, calls } = await programs(['rundll32', 'rundll32.exe', 'open'])
      expect(await openBrowser(new URL(hostile[0]!), { env: { PATH: folder }, platform })).toBe(false)
      expect(await calls()).toEqual({})
    },
  )
})
