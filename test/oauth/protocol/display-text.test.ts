import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { displayText, displayUrl } from '../../../src/oauth/protocol/display-text.ts'

describe('displayText', () => {
  it('strips control, bidirectional and zero-width characters and collapses white space', () => {
    expect(displayText(' a\u001b[31mb\r\n\tc\u202ed\u200be\u2028f\u0085g ')).toBe('a [31mb c d e f g')
  })

  it('cuts at the limit, between characters', () => {
    expect(displayText('x'.repeat(301))).toBe(`${'x'.repeat(299)}…`)
    expect(displayText('x'.repeat(300))).toBe('x'.repeat(300))
    expect(displayText('😀'.repeat(5), 3)).toBe('😀😀…')
    expect(displayText(`${' '.repeat(10_000)}x`, 3).length).toBeLessThanOrEqual(3)
  })

  it('shows anything else as JSON', () => {
    expect(displayText({ a: [1] })).toBe('{"a":[1]}')
    expect(displayText(undefined)).toBe('undefined')
    expect(displayText(7)).toBe('7')
  })

  it('property: printable, within the limit, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 2, max: 300 }), (text, max) => {
        const shown = displayText(text, max)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u)
        expect(Array.from(shown).length).toBeLessThanOrEqual(max)
      }),
    )
  })
})

describe('displayUrl', () => {
  it.each([
    ['https://u:p@h.example:8443/a?code=secret#frag', 'https://h.example:8443/a?…'],
    ['https://h.example', 'https://h.example/'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['not a url?token=secret', 'not a url?…'],
  ])('%s is shown as %s', (url, shown) => {
    expect(displayUrl(url)).toBe(shown)
  })
})
