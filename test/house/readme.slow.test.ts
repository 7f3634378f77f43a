import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/requirements.md',
  'docs/field-cases.md',
  'docs/credentials.md',
]

describe('the documents', () => {
  it('README examples compile as they stand', () => {
    const folder = resolve('node_modules/.cache/readme-examples')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
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
