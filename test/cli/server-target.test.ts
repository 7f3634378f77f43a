import { describe, expect, it } from 'vitest'
import type { CommandOptions } from '../../cli/src/command-context.ts'
import { readTarget, targetWords } from '../../cli/src/server-target.ts'
import { shellWord, splitWords } from '../../cli/src/shell-words.ts'

const options = (given: Partial<CommandOptions> = {}): CommandOptions => ({ profile: 'default', header: [], ...given })
const refused = (given: Partial<CommandOptions>, words: string[], names: string[] = []): unknown => {
  try {
    return readTarget(options(given), words, names)
  } catch (error) {
    return error
  }
}

describe('words of a command', () => {
  it.each([
    ['npx -y server', ['npx', '-y', 'server']],
    ['  a   b ', ['a', 'b']],
    [`a 'b c' "d e"f`, ['a', 'b c', 'd ef']],
    [`'it'\\''s' ""`, ["it's", '']],
    ['"C:\\Program Files\\node.exe" C:\\x', ['C:\\Program Files\\node.exe', 'C:\\x']],
    ['a\\ b "x\\"y"', ['a b', 'x"y']],
    ['$HOME `x` ~ *', ['$HOME', '`x`', '~', '*']],
    ['', []],
    [`a 'b`, undefined],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words)
  })

  it.each(['plain', 'two words', `it's "quoted"`, '$(x) `y`', 'a\\b', ''])('%j comes back from a shell word', text => {
    expect(splitWords(shellWord(text))).toEqual([text])
  })
})

describe('the server of a command', () => {
  it('is its first operand, or what --stdio starts', () => {
    expect(readTarget(options(), ['https://h.example', 'echo', 'a=1'], ['tool'], { variadic: true })).toEqual({
      target: { kind: 'url', url: 'https://h.example' },
      operands: ['echo', 'a=1'],
    })
    expect(readTarget(options({ stdio: 'npx "a b"' }), ['echo', 'a=1'], ['tool'], { variadic: true })).toEqual({
      target: { kind: 'stdio', typed: 'npx "a b"', command: 'npx', args: ['a b'] },
      operands: ['echo', 'a=1'],
    })
  })

  it.each([
    [{}, [], [], /missing argument: server-url, or --stdio/],
    [{}, ['https://h.example'], ['tool'], /missing argument: tool/],
    [{ stdio: 'x' }, [], ['tool'], /missing argument: tool/],
    [{ stdio: 'x' }, ['https://h.example'], [], /not both/],
    [{}, ['https://h.example', 'more'], [], /too many arguments: “more”/],
    [{ stdio: ' ' }, [], [], /--stdio takes the command/],
    [{ stdio: '"x' }, [], [], /--stdio takes the command/],
    [{ stdio: 'x', header: ['A=B'] }, [], [], /--header is for HTTP/],
    [{ stdio: 'x', login: true }, [], [], /--login is for HTTP/],
    [{ env: ['A'] }, ['https://h.example'], [], /--env is for/],
  ])('%j %j %j is refused: %s', (given, words, names, message) => {
    expect(refused(given, words, names)).toMatchObject({ name: 'UsageError', message: expect.stringMatching(message) })
  })

  it('is named in hints without the arguments of a program, which may hold keys', () => {
    const { target } = readTarget(options({ stdio: 'server --token canary' }), [])
    expect(targetWords(target)).toBe("--stdio 'server …'")
    expect(targetWords({ kind: 'url', url: 'https://h.example/?a=1&b' })).toBe("'https://h.example/?a=1&b'")
  })
})
