import { expect, it } from 'vitest'
import { OAuthError } from '../../src/oauth/errors.ts'
import { ISSUER, SERVER, World } from './world.ts'

const page = (): Response =>
  new Response('<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>', {
    status: 403,
    headers: { 'content-type': 'text/html; charset=UTF-8', 'cf-mitigated': 'challenge' },
  })

it.each([
  ['protected resource metadata', `GET ${new URL('/.well-known/oauth-protected-resource/mcp', SERVER).href}`],
  ['authorization server metadata', `GET ${ISSUER}/.well-known/oauth-authorization-server`],
  ['registration', `POST ${ISSUER}/register`],
  ['token', `POST ${ISSUER}/token`],
])('field P4: a login whose request for %s a firewall answers says so', async (_, route) => {
  const world = new World()
  world.routes.set(route, page)
  const error: unknown = await world
    .session()
    .login()
    .catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(OAuthError)
  const { message, detail } = error as OAuthError
  expect(message + JSON.stringify(detail)).toContain('a firewall page answered: Cloudflare')
})
