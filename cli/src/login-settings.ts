import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How a person logs in to one server: kept, so that a later login or refresh needs no options again. Holds no secret. */
export interface LoginSettings {
  /** Absent: through the browser. */
  readonly grant?: 'client-credentials' | 'device'
  /** Of a machine, or of a client with a key. */
  readonly clientId?: string
  /** The name of the variable, never what is in it. */
  readonly clientSecretEnv?: string
  /** The absolute path of a file with a private key. */
  readonly clientKey?: string
  readonly clientMetadataUrl?: string
  readonly redirectPort?: number
  readonly callbackHost?: 'localhost' | '127.0.0.1'
  readonly callbackPath?: string
}

type SettingsFile = Readonly<Record<string, LoginSettings>>

const FILE = 'login-settings.json'
const entryName = (key: { server: string; profile: string }): string => `${key.profile} ${key.server}`

/** The settings of the last login to (server, profile); empty when there are none or the file cannot be read. */
export async function readLoginSettings(
  directory: string,
  key: { server: string; profile: string },
): Promise<LoginSettings> {
  const name = entryName(key)
  const all = await readAll(directory)
  return Object.hasOwn(all, name) ? checked(all[name]) : {}
}

/** Keeps the settings of (server, profile), or forgets them when there are none. Replaces the file atomically. */
export async function writeLoginSettings(
  directory: string,
  key: { server: string; profile: string },
  settings: LoginSettings,
): Promise<void> {
  const name = entryName(key)
  const { [name]: before, ...others } = await readAll(directory)
  const empty = Object.keys(settings).length === 0
  if (empty && before === undefined) return
  if (JSON.stringify(before) === JSON.stringify(settings)) return
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = join(directory, `.${FILE}.${process.pid}`)
  try {
    await writeFile(temporary, `${JSON.stringify(empty ? others : { ...others, [name]: settings }, undefined, 2)}\n`, {
      mode: 0o600,
    })
    await rename(temporary, join(directory, FILE))
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Forgets the settings of (server, profile). */
export async function forgetLoginSettings(directory: string, key: { server: string; profile: string }): Promise<void> {
  await writeLoginSettings(directory, key, {})
}

async function readAll(directory: string): Promise<SettingsFile> {
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, FILE), 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SettingsFile) : {}
  } catch {
    // Only preferences: without them a login asks for its options again.
    return {}
  }
}

function checked(settings: LoginSettings | undefined): LoginSettings {
  const { grant, clientId, clientSecretEnv, clientKey } = settings ?? {}
  const { clientMetadataUrl, redirectPort, callbackHost, callbackPath } = settings ?? {}
  return {
    ...((grant === 'client-credentials' || grant === 'device') && { grant }),
    ...(typeof clientId === 'string' && { clientId }),
    ...(typeof clientSecretEnv === 'string' && { clientSecretEnv }),
    ...(typeof clientKey === 'string' && { clientKey }),
    ...(typeof clientMetadataUrl === 'string' && { clientMetadataUrl }),
    ...(Number.isInteger(redirectPort) && redirectPort !== undefined && { redirectPort }),
    ...((callbackHost === 'localhost' || callbackHost === '127.0.0.1') && { callbackHost }),
    ...(typeof callbackPath === 'string' && { callbackPath }),
  }
}
