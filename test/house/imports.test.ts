import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const source = resolve('src')

/** Folder → the folders it may import from besides itself. The longest matching folder counts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  jsonrpc: [],
  protocol: ['jsonrpc'],
  schema: ['jsonrpc', 'protocol'],
  'oauth/protocol': ['oauth/errors.ts', 'oauth/store/credential-store.ts'],
  network: ['oauth/protocol'],
  oauth: ['oauth/protocol', 'network'],
  client: ['jsonrpc', 'protocol', 'schema'],
  server: ['jsonrpc', 'protocol', 'schema', 'oauth/protocol/base64url.ts', 'oauth/protocol/digest.ts'],
  http: [
    'jsonrpc',
    'protocol',
    'schema',
    'client',
    'network',
    'oauth/with-oauth.ts',
    'oauth/protocol/display-text.ts',
    'oauth/protocol/challenge.ts',
    'oauth/protocol/redaction.ts',
  ],
  'http/server': ['jsonrpc', 'protocol', 'schema', 'server', 'oauth/protocol/display-text.ts'],
  stdio: [
    'jsonrpc',
    'protocol',
    'schema',
    'client',
    'server',
    'http/server',
    'oauth/protocol/display-text.ts',
    'oauth/protocol/redaction.ts',
  ],
  'resource-server': [
    'jsonrpc',
    'protocol',
    'network',
    'server',
    'http/server',
    'oauth/errors.ts',
    'oauth/oauth-request.ts',
    'oauth/protocol',
  ],
  redis: ['oauth', 'oauth/protocol', 'resource-server/replay-cache.ts'],
  browser: ['oauth', 'oauth/protocol'],
  otel: ['jsonrpc', 'protocol', 'client', 'server'],
  doctor: ['jsonrpc', 'protocol', 'client', 'http', 'network', 'oauth', 'oauth/protocol', 'resource-server'],
  testing: ['jsonrpc', 'protocol', 'client', 'schema', 'oauth', 'server', 'http/server'],
  node: ['jsonrpc', 'protocol', 'schema', 'oauth', 'oauth/protocol', 'client', 'http', 'server', 'http/server'],
}

/** Entry files may import anything; these may lead to `node:` modules. */
const NODE_ENTRIES = ['node.ts', 'stdio.ts', 'testing.ts']

interface Import {
  readonly file: string
  readonly target: string
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(source, file), 'utf8')
  const specifiers = [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm,
    ),
  ].map(match => match[1] ?? match[2] ?? match[3] ?? '')
  return specifiers.map(specifier => ({
    file,
    target: specifier.startsWith('.') ? relative(source, resolve(source, dirname(file), specifier)) : specifier,
  }))
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const imports = files.flatMap(importsOf)

const folderOf = (file: string): string | undefined =>
  Object.keys(MAY_IMPORT)
    .filter(folder => file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0]

describe('the direction of imports', () => {
  it('finds imports at all', () => {
    expect(imports.length).toBeGreaterThan(100)
  })

  it('every folder imports only from below', () => {
    const wrong = imports.filter(({ file, target }) => {
      const folder = folderOf(file)
      if (folder === undefined || !target.endsWith('.ts')) return false
      const targetFolder = folderOf(target)
      if (targetFolder === folder) return false
      return !(MAY_IMPORT[folder] ?? []).some(allowed => allowed === target || allowed === targetFolder)
    })
    expect(wrong).toEqual([])
  })

  it('every file lies in a folder with a place in the order, or is an entry file', () => {
    expect(files.filter(file => folderOf(file) === undefined && file.includes('/'))).toEqual([])
  })

  it('nothing imports an entry file, but the one that holds another whole', () => {
    const entries = imports.filter(({ target }) => files.includes(target) && !target.includes('/'))
    expect(entries).toEqual([{ file: 'index.ts', target: 'client.ts' }])
  })

  it('only src/node and src/stdio lead to Node modules, through any path of imports', () => {
    const reaches = (file: string, seen = new Set<string>()): string | undefined => {
      if (seen.has(file)) return undefined
      seen.add(file)
      for (const { target } of imports.filter(entry => entry.file === file)) {
        if (target.startsWith('node:')) return `${file} imports ${target}`
        const deeper = files.includes(target) ? reaches(target, seen) : undefined
        if (deeper) return deeper
      }
      return undefined
    }
    const neutral = files.filter(file => !/^(?:node|stdio)\//.test(file) && !NODE_ENTRIES.includes(file))
    expect(neutral.map(file => reaches(file)).filter(Boolean)).toEqual([])
  })

  it('packages imported are the declared dependencies', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>
    const declared = Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] })
    const packages = new Set(
      imports.map(({ target }) => target).filter(target => !target.endsWith('.ts') && !target.startsWith('node:')),
    )
    const undeclared = [...packages].filter(
      name => !declared.some(each => name === each || name.startsWith(`${each}/`)),
    )
    expect(undeclared).toEqual([])
  })
})
