import { expect, it } from 'vitest'
import { device } from '../../src/oauth/flows/device.ts'
import { ISSUER, json, World } from './world.ts'

it('R-DCR-1 R-DEVICE-1 a device registers without redirect URIs, with its initial access token and software statement', async () => {
  const world = new World()
  world.serverMetadata = { device_authorization_endpoint: `${ISSUER}/device` }
  world.routes.set(`POST ${ISSUER}/register`, () => json({ client_id: 'tv', token_endpoint_auth_method: 'none' }, 201))
  world.routes.set(`POST ${ISSUER}/device`, () => json({ error: 'access_denied' }, 400))
  const grant = device({
    onCode: () => undefined,
    initialAccessToken: 'initial-token-1',
    clientMetadata: { clientName: 'TV', softwareStatement: 'a.signed.jwt' },
  })
  await expect(world.session({ grant }).login()).rejects.toMatchObject({ detail: { oauthError: 'access_denied' } })
  const [registration] = world.to(`POST ${ISSUER}/register`)
  expect(registration?.headers.get('authorization')).toBe('Bearer initial-token-1')
  expect(JSON.parse(registration?.body ?? '{}')).toEqual({
    client_name: 'TV',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    software_statement: 'a.signed.jwt',
  })
  expect(JSON.stringify(world.events)).not.toContain('initial-token-1')
})

it('R-DCR-1 the token goes along with the minimal body, too', async () => {
  const world = new World()
  const statuses = [400, 201]
  world.routes.set(`POST ${ISSUER}/register`, () => json({ client_id: 'mine' }, statuses.shift() ?? 201))
  await world.session({}, { initialAccessToken: 'initial-token-1' }).login()
  const sent = world.to(`POST ${ISSUER}/register`).map(({ headers }) => headers.get('authorization'))
  expect(sent).toEqual(['Bearer initial-token-1', 'Bearer initial-token-1'])
})
