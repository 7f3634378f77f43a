import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPastedRedirect } from '../../src/node/pasted-redirect.ts'

const redirectUri = 'http://127.0.0.1:4711/callback'
const read = (line: string) => readPastedRedirect(line, redirectUri)

describe('a pasted line', () => {
  it.each([
    `${redirectUri}?code=abc&state=s1`,
    `  ${redirectUri}?code=abc&state=s1\n`,
    `"${redirectUri}?code=abc&state=s1"`,
    `<${redirectUri}?code=abc&state=s1>`,
    'https://somewhere.example/forwarded?code=abc&state=s1',
    '?code=abc&state=s1',
    'code=abc&state=s1',
    'state=s1&code=abc&iss=https%3A%2F%2Fas.example.com',
  ])('field A3: %j is an answer', line => {
    const result = read(line)
    expect('parameters' in result && [result.parameters.get('code'), result.parameters.get('state')]).toEqual([
      'abc',
      's1',
    ])
  })

  it('field A3: a refusal is an answer too', () => {
    const result = read(`${redirectUri}?error=access_denied&state=s1`)
    expect('parameters' in result && result.parameters.get('error')).toBe('access_denied')
  })

  it.each(['4/0AeanS0bNotAnAddress', 'abc', 'yes', 'http://', 'ht!tp://x?code=a&state=b'])(
    'field A3: %j is refused, and the answer says what to paste: nothing ties a bare code to this login',
    line => {
      expect(read(line)).toEqual({ problem: expect.stringContaining(redirectUri) })
    },
  )

  it.each([
    redirectUri,
    `${redirectUri}?code=abc`,
    `${redirectUri}?state=s1`,
    'code=abc',
    'https://as.example.com/authorize?state=s1&client_id=x',
  ])('%j is refused: it lacks code or state', line => {
    expect(read(line)).toEqual({ problem: expect.stringContaining('lacks code or state') })
  })

  it('is never shown in what is said about it, for it may hold a code', () => {
    expect(JSON.stringify(read('code=canary-code'))).not.toContain('canary')
    expect(JSON.stringify(read('canary-code'))).not.toContain('canary')
  })

  it('whatever it is, it is read without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl({ withQueryParameters: true })), line => {
        const result = read(line)
        if ('parameters' in result) expect(result.parameters.has('state')).toBe(true)
        else expect(result.problem).not.toBe('')
      }),
    )
  })
})
