import { describe, expect, it } from 'vitest'
import { EXIT } from '../../cli/src/exit-code.ts'
import { readHeaderOptions, setsAuthorization } from '../../cli/src/header-options.ts'
import { printJson } from '../../cli/src/json-output.ts'
import type { Io } from '../../cli/src/io.ts'
import { redactedUrl } from '../../cli/src/redacted-url.ts'
import { durationText, relativeTime } from '../../cli/src/relative-time.ts'
import { closestNames } from '../../cli/src/suggestion.ts'

describe('times', () => {
  it.each([
    [0, '0 seconds'],
    [999, '1 second'],
    [40_000, '40 seconds'],
    [60_000, '1 minute'],
    [3_600_000, '1 hour'],
    [3_900_000, '1 hour 5 minutes'],
    [3_605_000, '1 hour'],
    [3_599_000, '1 hour'],
    [95_000, '1 minute 35 seconds'],
    [190_000, '3 minutes'],
    [90_061_000, '1 day 1 hour'],
  ])('%i ms is %s', (durationMs, text) => {
    expect(durationText(durationMs)).toBe(text)
  })

  it('says whether it lies ahead or behind', () => {
    expect(relativeTime(60_000, 0)).toBe('in 1 minute')
    expect(relativeTime(0, 120_000)).toBe('2 minutes ago')
  })
})

describe('names a person may have meant', () => {
  const names = ['search', 'read_file', 'write_file', 'delete']
  it.each([
    ['serach', ['search']],
    ['file', ['read_file', 'write_file']],
    ['DELETE', ['delete']],
    ['zzzzzz', []],
    ['', []],
  ])('%s', (typed, expected) => {
    expect(closestNames(typed, names)).toEqual(expected)
  })
})

describe('URLs in logs', () => {
  it('hide userinfo, fragments and every query value that is not known to be harmless', () => {
    expect(
      redactedUrl('https://user:secret@h.example/p?code=secret&state=secret&apiKey=secret&scope=a%20b#secret'),
    ).toBe('https://h.example/p?code=…&state=…&apiKey=…&scope=a%20b')
    expect(redactedUrl('secret')).toBe('(not a URL)')
  })
})

describe('--header', () => {
  it('takes the value from the environment', () => {
    expect(readHeaderOptions(['X-Api-Key=KEY', 'X-Other = OTHER'], { KEY: ' abc ', OTHER: 'd' })).toEqual({
      'x-api-key': 'abc',
      'x-other': 'd',
    })
  })

  it.each([
    ['no equals sign', 'X-Api-Key'],
    ['a value instead of a variable name', 'X-Api-Key=sk-canary-123'],
    ['an empty name', '=KEY'],
    ['a name that is no header name', 'X Api=KEY'],
    ['a variable that is not set', 'X-Api-Key=MISSING'],
    ['a variable that is empty', 'X-Api-Key=EMPTY'],
    ['a value with a line break inside', 'X-Api-Key=BREAK'],
  ])('refuses %s without repeating the value', (_name, option) => {
    const refused = expect(() => readHeaderOptions([option], { KEY: 'v', EMPTY: '', BREAK: 'canary\r\nX: canary' }))
    refused.toThrow(expect.objectContaining({ name: 'UsageError' }))
    refused.not.toThrow(/canary/)
  })

  it('field X9: sees Authorization in any spelling', () => {
    expect(setsAuthorization(['authorization=A'])).toBe(true)
    expect(setsAuthorization(['X-Authorization=A'])).toBe(false)
  })
})

describe('JSON on stdout', () => {
  it('is one line in a pipe and indented on a terminal', () => {
    expect(printed({ a: [1] }, false)).toBe('{"a":[1]}\n')
    expect(printed({ a: 1 }, true)).toBe('{\n  "a": 1\n}\n')
  })

  it('escapes what could drive or mislead a terminal, and means the same', () => {
    const value = { text: '\u001b[31m \u009b31m \u202e \u2066 é 漢' }
    const text = printed(value, false)
    for (const unsafe of ['\u001b', '\u009b', '\u202e', '\u2066']) expect(text).not.toContain(unsafe)
    expect(JSON.parse(text)).toEqual(value)
  })
})

describe('exit codes', () => {
  it('are those of the contract', () => {
    expect(EXIT).toEqual({
      done: 0,
      failed: 1,
      usage: 2,
      interactionNeeded: 3,
      authorizationFailed: 4,
      unreachable: 5,
      interrupted: 130,
    })
  })
})

function printed(value: unknown, isTTY: boolean): string {
  let text = ''
  printJson({ stdout: { isTTY, write: (chunk: string) => (text += chunk) } } as unknown as Io, value)
  return text
}
