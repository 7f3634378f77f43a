import { expect, it } from 'vitest'
import { authorizationCode, device } from '../../src/oauth.ts'

const onCode = (): void => undefined

it.each([
  [{ client: { clientId: ' ' } }, 'configuration'],
  [{ clientMetadataUrl: 'http://app.example.com/client.json' }, 'client_metadata_url_invalid'],
  [{ clientMetadataKey: { key: 'no key' } }, 'configuration'],
])('a person logs in with a client that can work, in a browser here or on another device (%#)', (options, code) => {
  const refused = expect.objectContaining({ code })
  expect(() => authorizationCode(options as never)).toThrow(refused)
  expect(() => device({ onCode, ...options })).toThrow(refused)
})
