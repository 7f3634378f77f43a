import { OAuthError } from '../errors.ts'
import type { GrantContext, GrantStrategy } from '../grant-strategy.ts'
import {
  DEVICE_CODE_GRANT,
  deviceAuthorizationForm,
  deviceCodeForm,
  readDeviceAuthorization,
  type DeviceAuthorization,
} from '../protocol/device.ts'
import { stringMember } from '../protocol/json-object.ts'
import { throwIfAborted, waitFor } from '../single-flight.ts'
import { type PersonClientOptions, readPersonClient } from './person-client.ts'

/** What a person needs to approve a login on another device. */
export interface DeviceCode {
  /** To be typed at `verificationUri`. */
  readonly userCode: string
  readonly verificationUri: string
  /** With the code in it: for a link or a QR code. */
  readonly verificationUriComplete?: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Options of {@link device}. */
export interface DeviceOptions extends PersonClientOptions {
  /** Shows the code to the person; the login goes on meanwhile. `signal` fires when it is over, one way or the other. */
  readonly onCode: (code: DeviceCode, options: { readonly signal: AbortSignal }) => void | Promise<void>
}

/**
 * The device authorization grant: a person approves in a browser on another device, for which nothing has to reach this one.
 *
 * @throws {OAuthError} `client_metadata_url_invalid`, `configuration`
 * @see RFC 8628
 */
export function device(options: DeviceOptions): GrantStrategy {
  const { onCode } = options
  return {
    name: 'device_code',
    interactive: true,
    usesRedirect: false,
    grantTypes: [DEVICE_CODE_GRANT, 'refresh_token'],
    ...readPersonClient(options),
    obtain: context => obtain(context, onCode),
  }
}

async function obtain(context: GrantContext, onCode: DeviceOptions['onCode']): Promise<void> {
  const { target, scope } = context
  const url = stringMember(target.authorizationServer.raw, 'device_authorization_endpoint')
  if (url === undefined) throw notOffered(context)
  const extra = target.exception?.tokenParameters
  const form = deviceAuthorizationForm({ scope, resource: target.resource, extra })
  const answer = await context.send({ step: 'device authorization', url, form })
  const begun = readDeviceAuthorization(answer)
  const expiresAt = context.now() + begun.expiresIn * 1000
  const { userCode, verificationUri, verificationUriComplete: complete } = begun
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, over.signal])
  try {
    const code = { userCode, verificationUri, ...(complete !== undefined && { verificationUriComplete: complete }) }
    const shown = show(() => onCode({ ...code, expiresAt }, { signal }), signal)
    // A code that could not be shown is waited for in vain; showing it may last as long as the login.
    const failed = shown.then(() => new Promise<never>(() => {}))
    await Promise.race([poll(context, begun, { expiresAt, signal }), failed])
  } finally {
    over.abort()
  }
}

/** What the application throws is its own; our errors say where it happened. */
async function show(onCode: () => void | Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await onCode()
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof OAuthError) throw cause
    const hint = 'See the cause of this error.'
    const detail = { step: 'device authorization', hint }
    throw new OAuthError('configuration', 'The code could not be shown.', detail, { cause })
  }
}

/** Added to the interval by `slow_down`, in seconds (RFC 8628 §3.5). */
const SLOWER_BY_S = 5
/** Longest interval after failed connections, in seconds. */
const SLOWEST_S = 60

async function poll(
  context: GrantContext,
  begun: DeviceAuthorization,
  { expiresAt, signal }: { readonly expiresAt: number; readonly signal: AbortSignal },
): Promise<void> {
  const { target } = context
  const { deviceCode } = begun
  const form = deviceCodeForm({ deviceCode, resource: target.resource, extra: target.exception?.tokenParameters })
  let { interval } = begun
  for (;;) {
    await waitFor(context.sleep(interval * 1000), signal)
    if (context.now() >= expiresAt) throw expired(context)
    try {
      await context.redeem(form)
      return
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      const { oauthError, received } = error.detail
      if (oauthError === 'authorization_pending') continue
      if (received === 'slow_down') interval += SLOWER_BY_S
      else if (error.retryable) interval = Math.max(interval, Math.min(interval * 2, SLOWEST_S))
      else if (oauthError === 'expired_token') throw expired(context)
      else if (oauthError === 'access_denied') throw denied(context, error)
      else throw error
    }
  }
}

function notOffered({ target: { issuer } }: GrantContext): OAuthError {
  return new OAuthError('server_metadata_invalid', `${issuer} offers no login on another device.`, {
    step: 'device authorization',
    issuer,
    expected: 'device_authorization_endpoint (RFC 8628 §4)',
    received: 'none',
    hint: 'Log in with a browser instead.',
  })
}

function expired({ target: { issuer } }: GrantContext): OAuthError {
  return new OAuthError('login_timeout', 'The code was not approved in time.', {
    step: 'device authorization',
    issuer,
    hint: 'Log in again for a new code.',
  })
}

function denied({ target: { issuer } }: GrantContext, cause: OAuthError): OAuthError {
  return new OAuthError(
    'authorization_refused',
    'The login was refused on the other device.',
    { ...cause.detail, issuer },
    { cause },
  )
}
