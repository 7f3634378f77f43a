import { expect, it } from 'vitest'
import { auth0, introspectionVerifier, jwtVerifier, withDpop } from '../../src/resource-server.ts'

const issuer = 'https://login.example.com'
const client = { clientId: 'server', clientSecret: 'secret' }
const misspelt: Readonly<Record<string, () => unknown>> = {
  'jwtVerifier audience': () => jwtVerifier({ issuer, audience: 'x' } as never),
  'jwtVerifier requiredClaim': () => jwtVerifier({ issuer, requiredClaim: ['x'] } as never),
  'introspectionVerifier acceptMissingAudience': () =>
    introspectionVerifier({ endpoint: `${issuer}/introspect`, client, acceptMissingAudience: false } as never),
  'withDpop require': () => withDpop(jwtVerifier({ issuer }), { require: true } as never),
  'auth0 timeout': () => auth0({ domain: 'tenant.eu.auth0.com', timeout: 5 } as never),
}

it.each(Object.entries(misspelt))('field V13: refuses an option that does not exist: %s', (name, make) => {
  const option = name.split(' ')[1]
  expect(make).toThrow(
    expect.objectContaining({
      code: 'configuration',
      message: `There is no option ${option}.`,
      detail: expect.objectContaining({ expected: expect.stringContaining(' now'), received: option }),
    }),
  )
})
