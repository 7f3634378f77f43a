import { lookup } from 'node:dns/promises'

/** The addresses a host name stands for, for the guard against private addresses; empty when it stands for none. */
export async function resolveHost(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // The request itself will fail, and say why.
    return []
  }
}
