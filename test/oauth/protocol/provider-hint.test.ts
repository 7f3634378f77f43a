import { describe, expect, it } from 'vitest'
import { isEncryptedToken, providerHint } from '../../../src/oauth/protocol/provider-hint.ts'

describe('hints for what providers say', () => {
  it('field S12: a scope that Entra looks for at Graph is suggested in its qualified form', () => {
    const text =
      "AADSTS650053: The application 'app' asked for scope 'mcp.read' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'. Contact the app vendor."
    expect(providerHint(text).hint).toContain('api://<application id>/mcp.read')
    expect(providerHint('AADSTS650053: cut').hint).toContain('api://<application id>/<scope>')
  })

  it.each(['AADSTS9010010: The resource parameter does not match', 'x AADSTS901002: resource is not supported'])(
    'field A11, A12: %s',
    text => {
      expect(providerHint(text).hint).toContain('resource: "omit"')
    },
  )

  it('field A15: an API that Auth0 does not know', () => {
    expect(providerHint('Service not found: https://mcp.example.com/mcp').hint).toContain('register one')
  })

  it.each(['', 'access_denied', 'AADSTS65001: consent', 'AADSTS6500531'])('says nothing to %j', text => {
    expect(providerHint(text)).toEqual({})
  })
})

describe('the shape of a token', () => {
  it.each([
    ['eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn', true],
    ['eyJhbGciOiJSU0EifQ.a2V5.aXY.Y2lwaGVy.dGFn', true],
    ['eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln', false],
    ['opaque', false],
    ['a.b.c.d.e', false],
    ['eyJ.a.b.c', false],
    ['eyJ.a.b.c.d.e', false],
    ['', false],
  ])('field A15: %s', (token, encrypted) => {
    expect(isEncryptedToken(token)).toBe(encrypted)
  })
})
