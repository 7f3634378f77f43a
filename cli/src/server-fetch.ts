import { isWithinServer } from 'latchkey/oauth/protocol'
import type { CommandContext } from './command-context.ts'
import { httpLine } from './event-line.ts'

type Fetch = typeof globalThis.fetch

/** The URL that a call of `fetch` is about. */
function urlOf(input: Parameters<Fetch>[0]): string {
  return input instanceof Request ? input.url : String(input)
}

/** With `--verbose`, shows every exchange with the MCP server; those with authorization servers are events of the session. */
export function withVerboseLines({ io, terminal, options }: CommandContext, server: string, fetch: Fetch): Fetch {
  if (options.verbose !== true) return fetch
  return async (input, init) => {
    const url = urlOf(input)
    if (new URL(url).href !== new URL(server).href) return fetch(input, init)
    const headers = new Headers(init?.headers)
    const step = [headers.get('mcp-method'), headers.get('mcp-name')].filter(Boolean).join(' ') || 'MCP server'
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
    const startedAt = io.now()
    const show = (status: number | string): void => {
      terminal.say(terminal.style.dim(`· ${httpLine({ method, url, status, durationMs: io.now() - startedAt, step })}`))
    }
    try {
      const response = await fetch(input, init)
      show(response.status)
      return response
    } catch (error) {
      show('—')
      throw error
    }
  }
}

/** Adds the headers of `--header` to requests at the MCP server: an API key is for nobody else, redirects included. */
export function withServerHeaders(headers: Readonly<Record<string, string>>, server: string, fetch: Fetch): Fetch {
  if (Object.keys(headers).length === 0) return fetch
  return (input, init) => {
    if (!isWithinServer(new URL(urlOf(input)), server)) return fetch(input, init)
    const combined = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    for (const [name, value] of Object.entries(headers)) if (!combined.has(name)) combined.set(name, value)
    return fetch(input, { redirect: 'manual', ...init, headers: combined })
  }
}
