// Writes, behind every row of docs/field-cases.md, which test files carry its id; `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const document = join(root, 'docs/field-cases.md')

/** Files whose strings may be names of tests. The store contract is one: every store runs it. */
function testFiles() {
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => `test/${file}`)
  const contract = readdirSync(join(root, 'src/testing'))
    .filter(file => /^store-contract-.*\.ts$/.test(file))
    .map(file => `src/testing/${file}`)
  return [...tests, ...contract].sort()
}

/** Row id → the files with a test that carries it: `field T12: …`, `field A2, A4: …`. */
function filesById() {
  const found = new Map()
  for (const file of testFiles()) {
    const source = readFileSync(join(root, file), 'utf8')
    const names = source.matchAll(/['"`](?:[^'"`\n]*\s)?field ([A-Z]\d+(?:(?:, | and | )[A-Z]\d+)*)/g)
    for (const id of new Set([...names].flatMap(match => match[1].match(/[A-Z]\d+/g)))) {
      found.set(id, [...(found.get(id) ?? []), file])
    }
  }
  return found
}

/** The document as it should be, and what is wrong with the tree. */
export function fieldCases() {
  const files = filesById()
  const problems = []
  const known = new Set()
  const current = readFileSync(document, 'utf8')
  const entries = current.split(/(?=^- \*\*[A-Z]\d+\*\* )|(?=^## )/m).map(entry => {
    const [, id] = /^- \*\*([A-Z]\d+)\*\* /.exec(entry) ?? []
    if (id === undefined) return entry
    if (known.has(id)) problems.push(`${id} is there twice`)
    known.add(id)
    const tests = files.get(id) ?? []
    const body = entry.replace(/\n {2}tests: .*/g, '').trimEnd()
    if (tests.length === 0 && !/\n {2}untested: \S/.test(body)) {
      problems.push(`${id} has neither a test that carries its id nor a reason why not`)
    }
    if (tests.length > 0 && body.includes('\n  untested: ')) problems.push(`${id} has a test now: remove "untested"`)
    const line = tests.length ? `\n  tests: ${tests.map(file => `\`${file}\``).join(' · ')}` : ''
    const end = entry.endsWith('\n\n') ? '\n\n' : '\n'
    return `${body}${line}${end}`
  })
  for (const [id, [file]] of files) if (!known.has(id)) problems.push(`${file} names ${id}, which is no field case`)
  return { current, expected: entries.join(''), problems }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { current, expected, problems } = fieldCases()
  for (const problem of problems) console.error(problem)
  if (process.argv.includes('--check')) {
    if (current !== expected) console.error('docs/field-cases.md is not current: run node scripts/field-cases.mjs')
    process.exitCode = problems.length || current !== expected ? 1 : 0
  } else {
    writeFileSync(document, expected)
  }
}
