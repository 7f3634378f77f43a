import type { DeviceOptions, GrantContext, GrantStrategy } from 'latchkey/oauth'
import type { CommandContext } from './command-context.ts'
import { devicePromptLines } from './device-prompt.ts'
import type { LoginGrantOptions } from './login-grant.ts'
import { qrSurroundings } from './qr-code.ts'

/** Who the client is. */
type Identity = Pick<DeviceOptions, 'client' | 'clientMetadataUrl'> & Pick<GrantStrategy, 'clientMetadataKey'>

/** A login on another device: its code is shown on stderr, and waited for as long as it works, or as `--timeout` says. */
export async function createDeviceGrant(
  { io, terminal }: CommandContext,
  { key, login, identity }: LoginGrantOptions & { readonly identity: Identity },
): Promise<GrantStrategy> {
  const { device, OAuthError } = await import('latchkey/oauth')
  const { clientMetadataKey, ...client } = identity
  const grant = device({
    ...client,
    async onCode(code) {
      const { style } = terminal
      const lines = await devicePromptLines(code, {
        server: key.server,
        style,
        now: io.now(),
        qr: qrSurroundings(io, style),
      })
      terminal.say(...lines)
      terminal.progress.update('Waiting for you to approve on the other device')
    },
  })
  const timeoutMs = login?.timeout === undefined ? undefined : login.timeout * 1_000
  return {
    ...grant,
    ...(clientMetadataKey && { clientMetadataKey }),
    obtain: context =>
      grant.obtain?.(timeoutMs === undefined ? context : patient(context, timeoutMs)) ?? Promise.resolve(),
  }

  /** Between two questions the grant sleeps: there its time may end without a token being lost. */
  function patient(context: GrantContext, patienceMs: number): GrantContext {
    const deadline = context.now() + patienceMs
    return {
      ...context,
      async sleep(ms) {
        const left = deadline - context.now()
        if (ms < left) return context.sleep(ms)
        await context.sleep(Math.max(0, left))
        const message = `Nobody approved within ${patienceMs / 1_000} seconds.`
        throw new OAuthError('login_timeout', message, { step: 'device authorization', issuer: context.target.issuer })
      },
    }
  }
}
