// Writes, below every rule of docs/requirements.md, which test files carry its number; `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const document = join(root, 'docs/requirements.md')

/** Test file → the rule numbers that its test names carry. */
function rulesByFile() {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.test.ts'),
  )
  return files.sort().map(file => {
    const source = readFileSync(join(root, 'test', file), 'utf8')
    const names = [
      ...source.matchAll(
        /\b(?:it|test|describe|property|eachWay)(?:\.\w+)*(?:\([^)]*\))?\(\s*(['"`])((?:(?!\1)[\s\S])*)\1/g,
      ),
    ].map(match => match[2])
    return {
      file: `test/${file}`,
      rules: new Set(names.flatMap(name => name.match(/R-[A-Z]+(?:-[A-Z]+)?(?:-\d+)?/g) ?? [])),
    }
  })
}

/** The document as it should be, and what is wrong with the tree. */
export function requirements() {
  const tests = rulesByFile()
  const problems = []
  const known = new Set()
  const current = readFileSync(document, 'utf8')
  const sections = current.split(/(?=^###? )/m).map(section => {
    const heading = /^### (R-\S+)( \*planned\*)?$/m.exec(section)
    if (!heading) return section
    const [, rule, planned] = heading
    known.add(rule)
    const files = tests.filter(test => test.rules.has(rule)).map(test => test.file)
    if (!planned && files.length === 0) problems.push(`${rule} has no test that carries its number`)
    const body = section.replace(/\n+tests: .*\n*/g, '\n').trimEnd()
    return files.length ? `${body}\n\ntests: ${files.map(file => `\`${file}\``).join(' · ')}\n\n` : `${body}\n\n`
  })
  for (const { file, rules } of tests)
    for (const rule of rules) if (!known.has(rule)) problems.push(`${file} names ${rule}, which is no rule`)
  const expected = `${sections.join('').trimEnd()}\n`
  return { current, expected, problems }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { current, expected, problems } = requirements()
  for (const problem of problems) console.error(problem)
  if (process.argv.includes('--check')) {
    if (current !== expected) console.error('docs/requirements.md is not current: run node scripts/requirements.mjs')
    process.exitCode = problems.length || current !== expected ? 1 : 0
  } else {
    writeFileSync(document, expected)
  }
}
