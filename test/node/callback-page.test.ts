import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callbackPage, CALLBACK_HEADERS } from '../../src/node/callback-page.ts'

const pages = [
  callbackPage({ status: 'completed' }, 'https://mcp.example.com/mcp'),
  callbackPage({ status: 'completed' }),
  callbackPage({ status: 'failed', message: 'The authorization server refused: access_denied' }),
  callbackPage({ status: 'ignored', message: 'This page belongs to another login.' }),
]
const policy = CALLBACK_HEADERS['content-security-policy'] ?? ''

describe('the callback page', () => {
  it('R-AUTHZ-5 field A9: says which of the three outcomes it is', () => {
    expect(pages.map(page => /<h1>(.*)<\/h1>/.exec(page)?.[1])).toEqual([
      'You are logged in',
      'You are logged in',
      'The login failed',
      'Nothing to do here',
    ])
    expect(pages[0]).toContain('mcp.example.com')
    expect(pages[2]).toContain('access_denied')
  })

  it('field A20: text from elsewhere is data, never markup', () => {
    const message = `<script>alert(1)</script>"'&<img src=x onerror=alert(1)>`
    for (const page of [
      callbackPage({ status: 'failed', message }),
      callbackPage({ status: 'ignored', message }),
      callbackPage({ status: 'completed' }, `no url ${message}`),
    ]) {
      expect(page).not.toContain('<script')
      expect(page).not.toContain('<img')
      expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img')
    }
  })

  it('whatever the message, the page has the same elements', () => {
    const elements = (page: string): readonly string[] => page.match(/<[^>]*>/g) ?? []
    const expected = elements(callbackPage({ status: 'failed', message: 'x' }))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), message => {
        expect(elements(callbackPage({ status: 'failed', message }))).toEqual(expected)
      }),
    )
  })

  it('a long or invisible message is shortened and shown plain', () => {
    const page = callbackPage({ status: 'failed', message: `a\u202e\u0000b${'x'.repeat(10_000)}` })
    expect(page).not.toMatch(/[\p{Cf}\p{Co}]/u)
    expect(page).not.toContain('\u0000')
    expect(page).not.toContain('x'.repeat(301))
  })

  it('the policy allows this style and nothing else', () => {
    for (const page of pages) {
      const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(match => match[1] ?? '')
      expect(styles).toHaveLength(1)
      expect(policy).toContain(`'sha256-${createHash('sha256').update(styles[0]!).digest('base64')}'`)
      expect(page).not.toMatch(/\sstyle=/)
    }
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|script-src|https?:/)
  })

  it('loads nothing from anywhere and runs nothing', () => {
    for (const page of pages) expect(page).not.toMatch(/https?:\/\/|<script|<link|<img|<iframe|url\(|@import|\bon\w+=/i)
  })
})
