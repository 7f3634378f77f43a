/** Sends one command, like `['GET', 'name']`, and resolves to Redis's answer. Rejects with Redis's error or with that of the connection. */
export type RedisCommand = (args: readonly string[]) => Promise<unknown>

/** A client of the package `redis`, version 4 or newer, as far as it is used here. The caller connects and closes it. */
export interface NodeRedisClient {
  sendCommand(args: readonly string[]): Promise<unknown>
}

/** A client of the package `ioredis`, as far as it is used here. The caller closes it. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
}

/** What commands can be sent through. */
export type RedisClient = RedisCommand | NodeRedisClient | IoRedisClient

/** Makes one way of sending out of either client. Both may have a `sendCommand`, but only that of `redis` takes text. */
export function toRedisCommand(client: RedisClient): RedisCommand {
  if (typeof client === 'function') return client
  if ('call' in client) return async ([command = '', ...args]) => client.call(command, ...args)
  return async args => client.sendCommand(args)
}
