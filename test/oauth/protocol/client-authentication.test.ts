import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AuthenticatingClient,
  applyClientAuthentication,
  chooseAuthenticationMethod,
  chooseRegistrationMethod,
} from '../../../src/oauth/protocol/client-authentication.ts'

function apply(client: AuthenticatingClient): { headers: Headers; form: URLSearchParams } {
  // What an earlier attempt with another method may have left behind.
  const headers = new Headers({ authorization: 'Basic stale' })
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'stale', client_secret: 'stale' })
  applyClientAuthentication(client, headers, form)
  return { headers, form }
}

/** What an authorization server reads from a Basic header (RFC 6749 §2.3.1). */
function readBasic(headers: Headers): readonly (string | null)[] {
  const text = atob((headers.get('authorization') ?? '').replace(/^Basic /u, ''))
  const colon = text.indexOf(':')
  return [text.slice(0, colon), text.slice(colon + 1)].map(part => new URLSearchParams(`v=${part}`).get('v'))
}

describe('applyClientAuthentication', () => {
  it('R-TOKEN-2 none names the client in the form and proves nothing', () => {
    const { headers, form } = apply({ clientId: 'c', clientSecret: 'unused', tokenEndpointAuthMethod: 'none' })
    expect(headers.has('authorization')).toBe(false)
    expect(form.toString()).toBe('grant_type=refresh_token&client_id=c')
  })

  it('R-TOKEN-2 post puts id and secret into the form only', () => {
    const { headers, form } = apply({ clientId: 'c', clientSecret: 's', tokenEndpointAuthMethod: 'client_secret_post' })
    expect(headers.has('authorization')).toBe(false)
    expect(form.getAll('client_id')).toEqual(['c'])
    expect(form.getAll('client_secret')).toEqual(['s'])
  })

  it('R-TOKEN-2 basic puts them into the header only', () => {
    const { headers, form } = apply({
      clientId: 'c',
      clientSecret: 's',
      tokenEndpointAuthMethod: 'client_secret_basic',
    })
    expect(headers.get('authorization')).toBe(`Basic ${btoa('c:s')}`)
    expect(form.toString()).toBe('grant_type=refresh_token')
  })

  it('R-TOKEN-2 basic form-encodes before Base64, non-ASCII included', () => {
    const client = {
      clientId: 'a:b c',
      clientSecret: 'pä%+ 😀',
      tokenEndpointAuthMethod: 'client_secret_basic',
    } as const
    const { headers } = apply(client)
    expect(headers.get('authorization')).toBe(`Basic ${btoa('a%3Ab+c:p%C3%A4%25%2B+%F0%9F%98%80')}`)
  })

  it('R-TOKEN-2 property: whatever id and secret, the server reads back the same two', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const { headers } = apply({ clientId, clientSecret, tokenEndpointAuthMethod: 'client_secret_basic' })
        expect(readBasic(headers)).toEqual([clientId, clientSecret])
      }),
    )
  })

  it('R-TOKEN-2 R-JWT-1 private_key_jwt puts the assertion into the form, beside the client id, and no secret', () => {
    const { headers, form } = apply({
      clientId: 'c',
      clientSecret: 'unused',
      clientAssertion: 'a.b.c',
      tokenEndpointAuthMethod: 'private_key_jwt',
    })
    expect(headers.has('authorization')).toBe(false)
    expect([...form]).toEqual([
      ['grant_type', 'refresh_token'],
      ['client_id', 'c'],
      ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
      ['client_assertion', 'a.b.c'],
    ])
  })

  it('R-JWT-1 an empty assertion is none', () => {
    const client = { clientId: 'c', clientAssertion: '', tokenEndpointAuthMethod: 'private_key_jwt' } as const
    expect(() => apply(client)).toThrow(expect.objectContaining({ code: 'configuration' }))
  })

  it('R-TOKEN-2 property: exactly one authentication, whatever another attempt or a provider left', () => {
    const methods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
    const names = ['client_secret', 'client_assertion', 'client_assertion_type', 'client_id']
    fc.assert(
      fc.property(fc.constantFrom(...methods), fc.subarray(names), (tokenEndpointAuthMethod, left) => {
        const headers = new Headers({ authorization: 'Bearer stale' })
        const form = new URLSearchParams(
          left.flatMap(name => [
            [name, 'stale'],
            [name, 'twice'],
          ]),
        )
        const client = { clientId: 'c', clientSecret: 's', clientAssertion: 'a.b.c', tokenEndpointAuthMethod }
        applyClientAuthentication(client, headers, form)
        expect(`${headers.get('authorization') ?? ''}${String(form)}`).not.toMatch(/stale|twice/u)
        const used = [headers.has('authorization'), form.has('client_secret'), form.has('client_assertion')]
        expect(used.filter(Boolean)).toHaveLength(tokenEndpointAuthMethod === 'none' ? 0 : 1)
        expect(form.has('client_assertion_type')).toBe(form.has('client_assertion'))
      }),
    )
  })

  it.each(['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const)(
    'R-TOKEN-2 %s without a secret is a configuration error',
    tokenEndpointAuthMethod => {
      for (const secret of [{}, { clientSecret: '' }]) {
        expect(() => apply({ clientId: 'c', ...secret, tokenEndpointAuthMethod })).toThrow(
          expect.objectContaining({ code: 'configuration' }),
        )
      }
    },
  )
})

const choose = (supported: readonly string[] | undefined) => chooseAuthenticationMethod(supported, { secret: true })

describe('which method', () => {
  it('field T5: with a secret the first common one of basic and post, basic when nothing is advertised', () => {
    expect(choose(['client_secret_post', 'client_secret_basic', 'none'])).toBe('client_secret_basic')
    expect(choose(['none', 'client_secret_post'])).toBe('client_secret_post')
    expect(choose(undefined)).toBe('client_secret_basic')
    expect(choose(['tls_client_auth'])).toBe('client_secret_basic')
  })

  it('field T5: without a secret none, whatever is advertised', () => {
    expect(chooseAuthenticationMethod(['client_secret_basic'], { secret: false })).toBe('none')
    expect(chooseAuthenticationMethod(undefined, { secret: false })).toBe('none')
  })

  it('R-DCR-1 a registration asks for a method from the advertised list, none first', () => {
    expect(chooseRegistrationMethod(['client_secret_basic', 'none'])).toBe('none')
    expect(chooseRegistrationMethod(['client_secret_post', 'client_secret_basic'])).toBe('client_secret_basic')
    expect(chooseRegistrationMethod(['client_secret_post'])).toBe('client_secret_post')
    expect(chooseRegistrationMethod(['private_key_jwt'])).toBe('none')
    expect(chooseRegistrationMethod(undefined)).toBe('none')
  })
})
