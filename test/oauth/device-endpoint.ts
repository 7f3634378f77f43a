import { device, type DeviceCode, type DeviceOptions } from '../../src/oauth/flows/device.ts'
import type { OAuthSessionOptions } from '../../src/oauth/session-options.ts'
import { ISSUER, json, type Seen, type World } from './world.ts'

export const DEVICE = `POST ${ISSUER}/device`
const TOKEN = `POST ${ISSUER}/token`
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

export const pending = () => json({ error: 'authorization_pending' }, 400)
export const slowDown = () => json({ error: 'slow_down' }, 400)

/** What a test sees of the device logins of its world. */
export interface DeviceEndpoint {
  /** The codes that were shown. */
  readonly shown: DeviceCode[]
  readonly polls: readonly Seen[]
  /** Members of the next answers of the endpoint. */
  answer: Record<string, unknown>
  grant(options?: Partial<DeviceOptions>): ReturnType<typeof device>
  /** Waiting takes exactly its time and is written down. */
  readonly options: Pick<OAuthSessionOptions, 'sleep'>
}

/** Adds a device authorization endpoint to a world. The polls are answered by `answers` in turn, then with tokens. */
export function addDeviceEndpoint(
  world: World,
  answers: (() => Response | Promise<Response> | undefined)[] = [],
): DeviceEndpoint {
  world.serverMetadata = { device_authorization_endpoint: `${ISSUER}/device`, ...world.serverMetadata }
  const shown: DeviceCode[] = []
  const endpoint: DeviceEndpoint = {
    shown,
    answer: { expires_in: 600 },
    get polls() {
      return world.tokenRequests.filter(({ form }) => form.get('grant_type') === DEVICE_GRANT)
    },
    grant: options => device({ onCode: code => void shown.push(code), ...options }),
    options: {
      async sleep(ms, signal) {
        if (signal?.aborted) return
        world.slept.push(ms)
        world.now += ms
      },
    },
  }
  world.routes.set(DEVICE, () =>
    json({
      device_code: 'device-code-1',
      user_code: 'WDJB-MJHT',
      verification_uri: `${ISSUER}/activate`,
      ...endpoint.answer,
    }),
  )
  const otherwise = world.routes.get(TOKEN)
  world.routes.set(TOKEN, async seen => {
    const polled = seen.form.get('grant_type') === DEVICE_GRANT ? await answers.shift()?.() : undefined
    return polled ?? otherwise?.(seen)
  })
  return endpoint
}
