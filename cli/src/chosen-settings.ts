import { resolve } from 'node:path'
import type { LoginOptions } from './login-options.ts'
import type { LoginSettings } from './login-settings.ts'
import { UsageError } from './usage-error.ts'

/**
 * How to log in: what the options say, else what the last login did. Options that only a browser login has mean one.
 *
 * @throws {UsageError} options that contradict one another, or that a grant needs
 */
export function chooseSettings(stored: LoginSettings, login: LoginOptions | undefined): LoginSettings {
  if (login === undefined) return stored
  const { clientMetadataUrl, redirectPort, callbackHost, callbackPath } = login
  const grant = chosenGrant(stored, login)
  // What a machine is called is nothing that a person logs in as, nor the other way round.
  const changed = grant !== stored.grant && [grant, stored.grant].includes('client-credentials')
  const { grant: _, clientId, clientSecretEnv, clientKey, ...shape } = stored
  const client = clientOptions(login) ?? (changed ? {} : definedOf({ clientId, clientSecretEnv, clientKey }))
  const settings: LoginSettings = {
    ...shape,
    ...definedOf({ clientMetadataUrl, redirectPort, callbackHost, callbackPath }),
    ...(grant === undefined ? {} : { grant }),
    ...(grant === 'client-credentials' || client.clientKey !== undefined ? client : {}),
  }
  assertComplete(settings, login)
  return settings
}

function chosenGrant(stored: LoginSettings, login: LoginOptions): LoginSettings['grant'] {
  const typed = login.device === true ? 'device' : login.grant
  const [browserOnly] = Object.entries({
    '--redirect-port': login.redirectPort !== undefined,
    '--callback-host': login.callbackHost !== undefined,
    '--callback-path': login.callbackPath !== undefined,
    '--no-browser': !login.browser,
  }).find(([, given]) => given) ?? [undefined]
  if (typed !== undefined && typed !== 'authorization-code') {
    if (browserOnly !== undefined)
      throw new UsageError(`${browserOnly} is for a login in the browser, not for ${typed}`)
    return typed
  }
  return typed === 'authorization-code' || browserOnly !== undefined ? undefined : stored.grant
}

/** The client that the options name, as a whole: an id does not go with the secret of another one. */
function clientOptions({ clientId, clientSecretEnv, clientKey, ...login }: LoginOptions): LoginSettings | undefined {
  if (clientId === undefined && clientSecretEnv !== undefined) {
    throw new UsageError('--client-secret-env needs --client-id', '--client-id ID --client-secret-env VAR')
  }
  if (clientKey !== undefined && clientSecretEnv !== undefined) {
    throw new UsageError('--client-key and --client-secret-env are two ways to authenticate: give one of them')
  }
  if (clientId === undefined && clientKey === undefined) return login.clientMetadataUrl === undefined ? undefined : {}
  return definedOf({ clientId, clientSecretEnv, clientKey: clientKey === undefined ? undefined : resolve(clientKey) })
}

function assertComplete({ grant, clientId, clientKey, clientMetadataUrl }: LoginSettings, login: LoginOptions): void {
  if (grant === 'client-credentials') {
    if (login.clientMetadataUrl !== undefined) {
      throw new UsageError('a client-id metadata document is for people; client credentials need --client-id')
    }
    if (clientId !== undefined) return
    throw new UsageError(
      '--grant client-credentials needs --client-id',
      '--grant client-credentials --client-id ID --client-secret-env VAR',
    )
  }
  if (clientKey === undefined || clientId !== undefined || clientMetadataUrl !== undefined) return
  throw new UsageError('--client-key needs --client-id or --client-metadata-url', '--client-id ID --client-key FILE')
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function definedOf<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
}
