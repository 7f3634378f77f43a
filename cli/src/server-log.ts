import { displayText } from 'latchkey/oauth/protocol'

/** A log message of the server in a line; undefined for any other notification. */
export function serverLogLine(notification: {
  readonly method: string
  readonly params?: unknown
}): string | undefined {
  const { method, params } = notification
  if (method !== 'notifications/message' || typeof params !== 'object' || params === null) return undefined
  const { level, logger, data } = params as {
    readonly level?: unknown
    readonly logger?: unknown
    readonly data?: unknown
  }
  const from = typeof logger === 'string' ? ` ${displayText(logger, 60)}` : ''
  return `server ${displayText(level ?? 'log', 20)}${from}: ${displayText(data ?? '', 500)}`
}
