import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { assertIssuerExceptions } from '../../src/oauth/issuer-exception-check.ts'
import { BUILT_IN_ISSUER_EXCEPTIONS, type IssuerException } from '../../src/oauth/issuer-exceptions.ts'

const document = readFileSync('docs/exceptions.md', 'utf8')

function row({ issuer, reason, since, ...members }: IssuerException): string {
  const what = Object.entries(members).map(([name, value]) => {
    if (value === true) return `\`${name}\``
    return `\`${name}\` ${typeof value === 'object' ? parameters(value) : value}`
  })
  return `- \`${issuer}\` (${since}): ${what.join(', ')}. ${reason}.`
}

const parameters = (value: object): string =>
  Object.entries(value)
    .map(([name, each]) => `${name}=${String(each)}`)
    .join(' ')

it('R-EXC-1 docs/exceptions.md lists every built-in exception as it is, and no other', () => {
  const listed = document.slice(document.indexOf('## Built in')).match(/^- .*$/gm)
  expect(listed).toEqual(BUILT_IN_ISSUER_EXCEPTIONS.map(row))
})

it('R-EXC-1 docs/exceptions.md explains every member, and its example is one that is taken', () => {
  const refusal = (): void => assertIssuerExceptions([{ issuer: 'x' } as IssuerException])
  let members = ''
  try {
    refusal()
  } catch (error) {
    members = (error as { detail: { hint: string } }).detail.hint.replace(/^.*: |\.$/g, '')
  }
  const names = members.split(', ')
  expect(names.length).toBeGreaterThan(10)
  const table = document.slice(document.indexOf('## Members'), document.indexOf('## How to give one'))
  for (const name of names) expect(table).toMatch(new RegExp(`^\\| .*\`${name}\`.* \\|`, 'm'))
  const example = /```json\n([\s\S]*?)```/.exec(document)?.[1] ?? ''
  expect(() => assertIssuerExceptions(JSON.parse(example) as IssuerException[])).not.toThrow()
})
