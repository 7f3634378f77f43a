import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tool } from 'latchkey/client'
import { dataDirectory } from 'latchkey/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheDirectory } from '../../cli/src/completion/cache-directory.ts'
import { candidates } from '../../cli/src/completion/candidates.ts'
import { bashLines } from '../../cli/src/completion/complete.ts'
import { type CachedServer, readOffers, serverKey, writeOffers } from '../../cli/src/completion/offer-cache.ts'
import { rememberOffers } from '../../cli/src/completion/remember-offers.ts'
import { completionScript } from '../../cli/src/completion/scripts.ts'
import { SHELLS } from '../../cli/src/completion/shells.ts'
import type { Io } from '../../cli/src/io.ts'
import { createProgram } from '../../cli/src/program.ts'
import type { ServerTarget } from '../../cli/src/server-target.ts'

const at = (url: string): ServerTarget => ({ kind: 'url', url })
const program = createProgram(async () => undefined)
const URL_A = 'https://h.example/mcp'
const STDIO: ServerTarget = {
  kind: 'stdio',
  typed: 'node s.js --token canary',
  command: 'node',
  args: ['s.js', '--token', 'canary'],
}
const SERVERS: readonly CachedServer[] = [
  {
    ...serverKey(at(URL_A)),
    usedAt: 1,
    tools: [
      { name: 'search', arguments: [{ name: 'query' }, { name: 'order', values: ['asc', 'desc'] }] },
      { name: 'sum', arguments: [] },
    ],
    prompts: [{ name: 'review', arguments: [{ name: 'language' }] }],
    resources: ['file:///a.txt', 'file:///b c'],
  },
  { ...serverKey(STDIO), usedAt: 1, tools: [{ name: 'local', arguments: [] }] },
]
const values = (...words: string[]): readonly string[] => candidates(program, SERVERS, words).map(({ value }) => value)

describe('what can stand next', () => {
  it.each([
    [['lo'], ['login', 'logout']],
    [['call', ''], [URL_A]],
    [
      ['call', URL_A, 's'],
      ['search', 'sum'],
    ],
    [
      ['call', URL_A, 'search', ''],
      ['query=', 'order='],
    ],
    [['call', URL_A, 'search', 'query=x', ''], ['order=']],
    [
      ['call', URL_A, 'search', 'order='],
      ['order=asc', 'order=desc'],
    ],
    [['call', URL_A, 'search', 'order=d'], ['order=desc']],
    [['call', '--profile', 'work', URL_A, 'su'], ['sum']],
    [['call', URL_A, '--input', '{}', 'su'], ['sum']],
    [['call', '--stdio', STDIO.typed, ''], ['local']],
    [['call', `--stdio=${STDIO.typed}`, ''], ['local']],
    [['call', 'https://other.example', ''], []],
    [
      ['read', URL_A, 'file'],
      ['file:///a.txt', 'file:///b c'],
    ],
    [['read', URL_A, 'file:///a.txt', ''], []],
    [['prompt', URL_A, ''], ['review']],
    [['prompt', URL_A, 'review', ''], ['language=']],
    [['status', ''], [URL_A]],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['cimd', ''],
      ['create', 'validate'],
    ],
    [
      ['login', '--grant', ''],
      ['authorization-code', 'device', 'client-credentials'],
    ],
    [['login', '--scope', ''], []],
    [['tools', '--st'], ['--stdio']],
    [['resources', '--templates', '--te'], []],
    [['nosuch', ''], []],
  ])('%j', (words, expected) => {
    expect([...values(...words)].sort()).toEqual([...expected].sort())
  })

  it('every option that help shows, and no hidden one', () => {
    expect(values('call', '--')).toEqual(expect.arrayContaining(['--json', '--answer', '--output', '--help']))
    expect(values('cimd', 'validate', '--')).not.toContain('--profile')
  })
})

describe('bash', () => {
  const BREAKS = ' \t\n"\'><=;|&(:'
  const lines = (line: string): readonly string[] =>
    bashLines(line, BREAKS, words => candidates(program, SERVERS, words))

  it('gets what follows the last character at which it breaks words, with the space that comes next', () => {
    expect(lines('latchkey ca')).toEqual(['call '])
    expect(lines('latchkey call https://h.ex')).toEqual(['//h.example/mcp '])
    expect(lines(`latchkey call ${URL_A} search `)).toEqual(['query=', 'order='])
    expect(lines(`latchkey call ${URL_A} search order=`)).toEqual(['asc ', 'desc '])
    expect(lines(`latchkey call --stdio "${STDIO.typed}" `)).toEqual(['local '])
  })

  it('gets names escaped, so that nothing in them is ever run', () => {
    const evil = '$(touch x); `id` & *'
    const servers = [{ ...serverKey(at(URL_A)), usedAt: 1, tools: [{ name: evil, arguments: [] }] }]
    expect(bashLines(`latchkey call ${URL_A} `, BREAKS, words => candidates(program, servers, words))).toEqual([
      '\\$\\(touch\\ x\\)\\;\\ \\`id\\`\\ \\&\\ \\* ',
    ])
  })

  it('gets nothing inside quotes', () => {
    expect(lines('latchkey "ca')).toEqual([])
    expect(lines(`latchkey call "${URL_A}"`)).toEqual([])
  })
})

describe('what is kept', () => {
  let home = ''
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'latchkey-completion-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))
  const file = (): string => join(home, 'completion-cache.json')
  const io = (): Io => ({ env: { LATCHKEY_HOME: home }, now: () => 5 }) as unknown as Io
  const tool = (name: string, properties: Tool['inputSchema']['properties'] = {}): Tool => ({
    name,
    inputSchema: { type: 'object' as const, properties },
  })

  it('are names, arguments and listed values, for this user only', async () => {
    const properties = {
      a: { type: 'boolean' },
      b: { enum: ['x', 1] },
      c: { anyOf: [{ const: 'k' }, { type: 'null' }] },
      d: {},
    }
    await rememberOffers(io(), at(URL_A), { tools: [tool('t', properties)] })
    await rememberOffers(io(), at(URL_A), { prompts: [{ name: 'p', arguments: [{ name: 'q' }] }] })
    await rememberOffers(io(), at(URL_A), { resources: [{ uri: 'file:///r', name: 'r' }] })
    expect(await readOffers(home)).toEqual([
      {
        ...serverKey(at(URL_A)),
        usedAt: 5,
        tools: [
          {
            name: 't',
            arguments: [
              { name: 'a', values: ['true', 'false'] },
              { name: 'b', values: ['x', '1'] },
              { name: 'c', values: ['k'] },
              { name: 'd' },
            ],
          },
        ],
        prompts: [{ name: 'p', arguments: [{ name: 'q' }] }],
        resources: ['file:///r'],
      },
    ])
    if (process.platform !== 'win32') expect((await stat(file())).mode & 0o777).toBe(0o600)
  })

  it('holds no query, user name or argument of a program, which may be secrets', async () => {
    for (const target of [at('https://h.example/mcp?key=canary'), at('https://canary@h.example/'), STDIO]) {
      await rememberOffers(io(), target, { tools: [tool('t')] })
    }
    expect(await readFile(file(), 'utf8')).not.toContain('canary')
    expect(await readOffers(home)).toHaveLength(3)
  })

  it('is bounded, whatever a server lists, and keeps what was used last', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => tool(`tool-${index}`))
    for (let index = 0; index < 60; index++) {
      await writeOffers(home, serverKey(at(`https://h${index}.example`)), {}, index)
    }
    await rememberOffers(io(), at(URL_A), { tools: [...many, tool('x'.repeat(1_000))] })
    const kept = await readOffers(home)
    expect(kept).toHaveLength(50)
    expect(kept[0]?.tools).toHaveLength(500)
    expect(kept[1]?.url).toBe('https://h59.example')
    expect((await stat(file())).size).toBeLessThan(1_100_000)
  })

  it('leaves out names that would break a line or drive a terminal', async () => {
    const names = ['a\nb', 'a\tb', '\u001b[2J', 'a\u202eb', '', 'x'.repeat(301), 'fine name']
    await rememberOffers(io(), at(URL_A), { tools: names.map(name => tool(name)) })
    expect((await readOffers(home))[0]?.tools?.map(({ name }) => name)).toEqual(['fine name'])
  })

  it.each(['', '{', '[]', '{"version":2,"servers":[]}', '{"version":1,"servers":[1,{"id":1}]}'])(
    'a file that holds %j counts as empty',
    async text => {
      await writeFile(file(), text)
      expect(await readOffers(home)).toEqual([])
      await rememberOffers(io(), at(URL_A), {})
      expect(await readOffers(home)).toHaveLength(1)
    },
  )

  it('a home that cannot be written to is no failure', async () => {
    await writeFile(join(home, 'file'), '')
    await rememberOffers({ env: { LATCHKEY_HOME: join(home, 'file') }, now: () => 5 } as unknown as Io, at(URL_A), {})
    await mkdir(join(home, 'taken', 'completion-cache.json'), { recursive: true })
    await rememberOffers({ env: { LATCHKEY_HOME: join(home, 'taken') }, now: () => 5 } as unknown as Io, at(URL_A), {})
  })
})

describe('where it is kept', () => {
  it.each([
    ['linux', {}],
    ['linux', { LATCHKEY_HOME: '/x' }],
    ['linux', { XDG_DATA_HOME: '/data' }],
    ['linux', { XDG_DATA_HOME: 'relative' }],
    ['darwin', {}],
    ['win32', {}],
    ['win32', { LOCALAPPDATA: 'C:\\Local' }],
  ] as const)('on %s with %j: where all state is', (platform, env) => {
    expect(cacheDirectory(env, platform, '/home/me')).toBe(dataDirectory({ env, platform, home: '/home/me' }))
  })
})

describe('scripts', () => {
  it.each(SHELLS)('for %s ask the command, and never evaluate what it says', shell => {
    const script = completionScript(shell)
    expect(script).toContain(`__complete ${shell}`)
    expect(script).not.toMatch(/\beval\b|compgen -W/)
  })
})
