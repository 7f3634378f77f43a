type Fetch = typeof globalThis.fetch

/** One answer that was seen on the way of a request. Bodies are left alone. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly headers: Headers
}

/** A `fetch` that remembers what it was answered. */
export interface RecordedFetch {
  readonly fetch: Fetch
  /** Oldest first. */
  readonly exchanges: readonly Exchange[]
}

/** Exchanges that are remembered; a diagnosis makes a few dozen. */
const MAX_EXCHANGES = 500

/** Wraps `fetch` so that the headers of every answer can be looked at afterwards. */
export function recordExchanges(fetch: Fetch): RecordedFetch {
  const exchanges: Exchange[] = []
  return {
    exchanges,
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (exchanges.length < MAX_EXCHANGES) {
        const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
        exchanges.push({
          method,
          url: input instanceof Request ? input.url : String(input),
          status: response.status,
          headers: response.headers,
        })
      }
      return response
    },
  }
}
