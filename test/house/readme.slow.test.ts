import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const withExamples = [
  'README.md',
  'docs/grants.md',
  'docs/networks.md',
  'docs/stdio.md',
  'docs/browser.md',
  'docs/client.md',
  'docs/server.md',
  'docs/telemetry.md',
  'docs/protect.md',
]
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/requirements.md',
  'docs/field-cases.md',
  'docs/credentials.md',
  'docs/grants.md',
  'docs/networks.md',
  'docs/stdio.md',
  'docs/browser.md',
  'docs/client.md',
  'docs/server.md',
  'docs/telemetry.md',
  'docs/protect.md',
  ...readdirSync('docs/decisions').map(name => `docs/decisions/${name}`),
]

describe('the documents', () => {
  it.each(withExamples)('the examples of %s compile as they stand', document => {
    const folder = resolve(`node_modules/.cache/examples-${basename(document, '.md')}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const examples = [...readFileSync(document, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
    expect(examples.length).toBeGreaterThan(1)
    examples.forEach((example, index) => writeFileSync(join(folder, `example-${index}.ts`), example))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: resolve('tsconfig.json'), include: ['*.ts'] }),
    )
    const { stdout } = spawnSync(resolve('node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
    expect(stdout).toBe('')
  })

  it.each(documents)('%s links only to files that exist', document => {
    const text = readFileSync(document, 'utf8')
    const targets = [
      ...text.matchAll(
        /\]\((?!https?:|#)([^)#]+)\)|`((?:src|test|docs|conformance|cli|demo)\/[\w./-]+\.(?:ts|md|json|mjs))`/g,
      ),
    ].map(match => (match[1] ? join(dirname(document), match[1]) : (match[2] ?? '')))
    expect(targets.filter(target => !existsSync(target))).toEqual([])
  })
})
