import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../src/oauth/protocol/challenge.ts'
import { buildChallenge } from '../../src/resource-server/challenge.ts'
import { readCredentials } from '../../src/resource-server/credentials.ts'
import type { HttpRequest } from '../../src/http/server/http-message.ts'

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map(code => String.fromCharCode(code)) })

describe('a challenge', () => {
  it('says what was meant to whoever reads it by the grammar (RFC 9110 §11.6.1)', () => {
    fc.assert(
      fc.property(printable, printable, fc.array(fc.stringMatching(/^[!#-[\]-~]+$/)), (url, description, scopes) => {
        const header = buildChallenge(url, { error: 'invalid_token', description, scopes })
        const [challenge, ...more] = parseChallenges(header)
        expect(more).toEqual([])
        expect(challenge).toEqual({
          scheme: 'bearer',
          parameters: {
            error: 'invalid_token',
            error_description: description,
            resource_metadata: url,
            ...(scopes.length > 0 && { scope: scopes.join(' ') }),
          },
        })
      }),
    )
  })

  it('is a header whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const header = buildChallenge(text, { error: text, description: text, scopes: [text] })
        expect(new Headers({ 'www-authenticate': header }).get('www-authenticate')).toBe(header)
      }),
    )
  })
})

const requestWith = (authorization: string, target = '/mcp'): HttpRequest => ({
  method: 'POST',
  target,
  header: name => (name === 'authorization' ? authorization : undefined),
  readBody: async () => '',
  onDisconnect: () => () => undefined,
})

describe('credentials', () => {
  it('of any text are read without an error, and a token is never one that no header could hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', 'Bearer ', 'dpop ', 'DPoP\t'), (text, scheme) => {
        const read = readCredentials(requestWith(`${scheme}${text}`))
        if (read.kind === 'token') expect(read.token).toMatch(/^[!-~]{1,16384}$/)
      }),
    )
  })

  it('of every form that RFC 6750 §2.1 allows are read', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._~+/-]+=*$/), token => {
        expect(readCredentials(requestWith(`Bearer  ${token} `))).toEqual({ kind: 'token', scheme: 'bearer', token })
      }),
    )
  })
})
