import { OAuthError } from '../oauth/errors.ts'
import { displayText } from '../oauth/protocol/display-text.ts'

/** Where a browser comes back to on this machine; port 0 stands for any that is free. */
export interface CallbackAddress {
  readonly host: '127.0.0.1' | 'localhost'
  readonly port: number
  readonly path: string
}

export interface CallbackAddressOptions {
  /** Bind exactly this port and fail when it is taken. Default: that of a preferred redirect URI if it is free, else any. */
  readonly port?: number
  /** Host name in the redirect URI; the listener binds loopback whatever it is. Default: a preferred one's, else `defaultHost`. */
  readonly host?: '127.0.0.1' | 'localhost'
  /** Host name where none was chosen or registered. Default `127.0.0.1`. */
  readonly defaultHost?: '127.0.0.1' | 'localhost'
  /** Default: a preferred one's, else `/callback`. */
  readonly path?: string
  /** Redirect URIs that would be welcome because they are registered, most wanted first. At most 16 are looked at. */
  readonly preferredRedirectUris?: readonly string[]
}

const MAX_PREFERRED = 16
/** A port that is free on 127.0.0.1 may be taken on ::1: then the system is asked for another. */
const ANY_PORT_TRIES = 3

/**
 * The addresses to try, in order: each preferred one that contradicts no option, exactly as it was registered, then the one the options name.
 *
 * @throws {OAuthError} `configuration` for a path that a redirect URI cannot have
 */
export function callbackAddresses(options: CallbackAddressOptions): readonly CallbackAddress[] {
  const { port, host, path, defaultHost = '127.0.0.1', preferredRedirectUris = [] } = options
  const own: CallbackAddress = { host: host ?? defaultHost, port: port ?? 0, path: path ?? '/callback' }
  if (!isExact(own)) {
    throw new OAuthError('configuration', `${displayText(own.path)} cannot be the path of a redirect URI.`, {
      step: 'callback listener',
      expected: 'a path that begins with a slash, percent-encoded, without query and fragment',
      received: displayText(own.path),
    })
  }
  const preferred = preferredRedirectUris
    .slice(0, MAX_PREFERRED)
    .flatMap(readAddress)
    .filter(found => port === undefined || found.port === port)
    .filter(found => host === undefined || found.host === host)
    .filter(found => path === undefined || found.path === path)
  return [...preferred, ...Array.from({ length: port === undefined ? ANY_PORT_TRIES : 1 }, () => own)]
}

function readAddress(redirectUri: string): readonly CallbackAddress[] {
  const [, host, port, path] = /^http:\/\/(127\.0\.0\.1|localhost):(\d{1,5})(\/[^?#]*)$/.exec(redirectUri) ?? []
  if ((host !== '127.0.0.1' && host !== 'localhost') || path === undefined) return []
  const address: CallbackAddress = { host, port: Number(port), path }
  return address.port > 0 && address.port < 65_536 && isExact(address) ? [address] : []
}

/** Whether a browser sent there asks for just this path. */
function isExact({ path }: CallbackAddress): boolean {
  return (
    path.startsWith('/') &&
    URL.canParse(`http://h${path}`) &&
    new URL(`http://h${path}`).href === `http://h${path}` &&
    !/[?#]/.test(path)
  )
}
