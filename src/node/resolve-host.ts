import { lookup } from 'node:dns/promises'
import { type EnvironmentVariables, proxyFor } from './proxy-environment.ts'

/** The addresses a host name stands for, for the guard against private addresses; empty when it stands for none. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // The request itself will fail, and say why.
    return []
  }
}

/**
 * {@link resolveHost} for those hosts that are reached directly. Behind a proxy names are the proxy's to resolve: often nobody here can, or
 * they stand for something else here.
 */
export function createHostResolver(
  env: EnvironmentVariables = { ...process.env },
): (host: string) => Promise<readonly string[]> {
  return async host => (proxyFor(`https://${host}`, env) === undefined ? resolveHost(host) : [])
}
