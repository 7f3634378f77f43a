import type { CredentialKey, CredentialStore, GrantStrategy, PreRegisteredClient } from 'latchkey/oauth'
import { keyFromFile, secretFromEnvironment, storedSecret } from './client-secrets.ts'
import type { CommandContext } from './command-context.ts'
import { createDeviceGrant } from './device-grant.ts'
import { createLoginAuthorizer } from './login-authorizer.ts'
import type { LoginOptions } from './login-options.ts'
import type { LoginSettings } from './login-settings.ts'
import { UsageError } from './usage-error.ts'

/** What the grant of a session depends on. */
export interface LoginGrantOptions {
  readonly key: CredentialKey
  readonly settings: LoginSettings
  readonly store: CredentialStore
  readonly fetch: typeof globalThis.fetch
  /** Absent for every command but `login`. */
  readonly login?: LoginOptions
}

/**
 * The grant that the settings name. A secret or key that is gone stops a login at once; other commands go on with the login there is, and
 * learn of it when they need another token.
 *
 * @throws {UsageError} @throws {OAuthError} `configuration`, `client_metadata_url_invalid`
 */
export async function createLoginGrant(context: CommandContext, options: LoginGrantOptions): Promise<GrantStrategy> {
  const { settings } = options
  if (settings.grant === 'client-credentials') return machineGrant(context, options)
  const { authorizationCode } = await import('latchkey/oauth')
  const { clientMetadataUrl } = settings
  const privateKey = await personsKey(options)
  const client = personsClient(context, options, privateKey)
  const identity = {
    ...(client && { client }),
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    ...(privateKey && !client && { clientMetadataKey: privateKey }),
  }
  if (settings.grant === 'device') return createDeviceGrant(context, { ...options, identity })
  const { key, fetch, login } = options
  const wiring = { server: key.server, settings, fetch, ...(login && { login }) }
  return authorizationCode({ authorizer: await createLoginAuthorizer(context, wiring), ...identity })
}

/** A machine logs in as itself, and so may every later command. */
async function machineGrant({ io }: CommandContext, options: LoginGrantOptions): Promise<GrantStrategy> {
  const { clientCredentials, privateKeyJwt } = await import('latchkey/oauth')
  const { settings, store, key, login } = options
  const { clientId = '', clientSecretEnv, clientKey } = settings
  try {
    if (clientKey !== undefined) return privateKeyJwt({ clientId, key: await keyFromFile(clientKey) })
    const inEnvironment = clientSecretEnv !== undefined && (login !== undefined || Boolean(io.env[clientSecretEnv]))
    const clientSecret = inEnvironment
      ? secretFromEnvironment(clientSecretEnv, io.env)
      : await storedSecret(store, key, clientId)
    if (clientSecret !== undefined) return clientCredentials({ clientId, clientSecret })
    if (clientSecretEnv !== undefined) secretFromEnvironment(clientSecretEnv, io.env)
    throw new UsageError('--grant client-credentials needs --client-secret-env or --client-key')
  } catch (error) {
    if (login !== undefined || !(error instanceof UsageError)) throw error
    return {
      name: 'client_credentials',
      interactive: false,
      usesRedirect: false,
      grantTypes: ['client_credentials'],
      client: { clientId },
      obtain: () => Promise.reject(error),
    }
  }
}

async function personsKey({ settings, login }: LoginGrantOptions): Promise<PreRegisteredClient['privateKey']> {
  if (settings.clientKey === undefined) return undefined
  try {
    return { key: await keyFromFile(settings.clientKey) }
  } catch (error) {
    if (login !== undefined) throw error
    return undefined
  }
}

/** The client registered beforehand that the options of this login name, or, with a key, those of the last. */
function personsClient(
  { io }: CommandContext,
  { settings, login }: LoginGrantOptions,
  privateKey: PreRegisteredClient['privateKey'],
): PreRegisteredClient | undefined {
  const clientId = login?.clientId ?? settings.clientId
  if (clientId === undefined) return undefined
  if (privateKey) return { clientId, privateKey }
  const variable = login?.clientSecretEnv
  return variable === undefined ? { clientId } : { clientId, clientSecret: secretFromEnvironment(variable, io.env) }
}
