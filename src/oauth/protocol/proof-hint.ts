/** Servers take proofs that are a few seconds, some a minute, off; and an answer takes its time. */
const NOTABLE_MS = 20_000

/**
 * What to do about a proof of possession that is refused. Mostly it is the clock, of which the answer's `Date` tells.
 *
 * @param now milliseconds since the epoch
 * @see RFC 9449 §4.3, §11.1
 */
export function refusedProofHint(headers: Headers, now: number): string {
  const difference = now - Date.parse(headers.get('date') ?? '')
  if (Math.abs(difference) >= NOTABLE_MS) {
    const where = difference > 0 ? 'ahead of' : 'behind'
    return `The clock of this machine is ${Math.round(Math.abs(difference) / 1000)} s ${where} the server's: set it right.`
  }
  return 'Check the clock of this machine; behind a proxy, the server must know the URL that clients use.'
}
