import { describe, expect, it } from 'vitest'
import { describeAnswer } from '../../../src/oauth/protocol/http-answer.ts'

const answer = (body: string, headers: Record<string, string> = { 'content-type': 'text/html; charset=UTF-8' }) => ({
  status: 403,
  headers: new Headers(headers),
  contentType: headers['content-type'] ?? null,
  body,
  url: 'https://as.example.com/token',
})

describe('field P4: a firewall that answers in the place of the server is named', () => {
  it.each([
    ['Cloudflare', '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>'],
    ['Cloudflare', '<!doctype html>\n<html><head>\n<title>Attention Required! | Cloudflare</title>'],
    [
      'Akamai',
      '<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY>You do not have permission. Reference&#32;&#35;18.2f',
    ],
    [
      'Imperva',
      '<html><head></head><body><iframe src="/_Incapsula_Resource?SWUDNSAI=31&xinfo=1"></iframe></body></html>',
    ],
    ['AWS WAF', '<html><head><script>window.gokuProps = {"key":"x"}</script></head>'],
    ['DataDome', '<html><head><script src="https://ct.captcha-delivery.com/c.js"></script></head>'],
  ])('%s: %.50s', (name, page) => {
    expect(describeAnswer(answer(page))).toBe(`403 text/html, a firewall page answered: ${name}`)
    expect(describeAnswer(answer(page, {}))).toBe(`403, a firewall page answered: ${name}`)
  })

  it('by a header alone', () => {
    expect(describeAnswer(answer('', { 'cf-mitigated': 'challenge' }))).toContain('Cloudflare')
  })

  it.each([
    ['an error page', '<html><head><title>403 Forbidden</title></head><body>nginx</body></html>', 'text/html'],
    ['a page titled Access Denied', '<html><title>Access Denied</title><p>Ask your administrator.</p>', 'text/html'],
    [
      'JSON that speaks of one',
      '{"error":"x","error_description":"<title>Just a moment...</title>"}',
      'application/json',
    ],
    ['a page that names one far below', `<html>${' '.repeat(20_000)}_Incapsula_Resource`, 'text/html'],
  ])('but not %s', (_, body, type) => {
    expect(describeAnswer(answer(body, { 'content-type': type }))).toBe(`403 ${type}`)
  })
})
