import { assertOptions, type OptionNames } from '../../server/given-options.ts'
import type { Server } from '../../server/server.ts'
import { corsHeaders, preflight } from './cors.ts'
import { createEndpoint } from './endpoint.ts'
import { toResponse, fromRequest } from './fetch-message.ts'
import { createHostCheck, type HostCheckOptions } from './host-check.ts'
import type { HttpGuard } from './http-guard.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { refuse, refuseRequest } from './refusals.ts'
import type { SessionOptions } from './session-registry.ts'
import { INTERNAL_ERROR } from '../../jsonrpc/errors.ts'

/** How a server is served over HTTP. */
export interface AppOptions extends HostCheckOptions {
  /** The endpoint's path, such as `/mcp`; everything else is 404. Default: every path, for whoever mounts the app at one. */
  readonly path?: string
  /** Sessions for revisions until 2025-11-25; false: none, for platforms that keep nothing between requests: servers then cannot ask back there. */
  readonly sessions?: SessionOptions | false
  /** Bytes of a request's body. Default 4 MiB. */
  readonly maxBodyBytes?: number
  /** Milliseconds in which a request's body must have come. Default 30 000. */
  readonly bodyTimeoutMs?: number
  /** Milliseconds after which a call is given up. Default one hour. Subscriptions have no such limit. */
  readonly requestTimeoutMs?: number
  /** Milliseconds between two comments on a quiet stream; a call that takes longer becomes a stream. Default 8000. */
  readonly keepAliveMs?: number
  /** Milliseconds that `close` waits for calls under way. Default 10 000. */
  readonly drainMs?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number
}

/** A server, served: for `export default` (Workers, Bun, Deno), `toNodeHandler`, `serve`, Hono and others. */
export interface ServerApp {
  readonly server: Server
  /** Answers a web-standard request. Never rejects. */
  fetch(request: Request): Promise<Response>
  /** Answers a request without building a `Request`: what the adapters use. Never rejects. */
  handle(request: HttpRequest): Promise<HttpResponse>
  /** Takes no more requests, ends subscriptions, waits for calls under way, then closes sessions and the server. Never rejects. */
  close(): Promise<void>
  /** The path it answers at; undefined for every one. */
  readonly path: string | undefined
  /** What was given, for whoever listens for it: a connection must not be cut while a body may still come. */
  readonly bodyTimeoutMs: number | undefined
}

/** What can be said of how a server is served. */
export const APP_OPTIONS: OptionNames<AppOptions> = {
  path: true,
  sessions: true,
  maxBodyBytes: true,
  bodyTimeoutMs: true,
  requestTimeoutMs: true,
  keepAliveMs: true,
  drainMs: true,
  now: true,
  allowedOrigins: true,
  allowedHosts: true,
}

/**
 * Serves a server over Streamable HTTP: every revision from 2025-03-26 on, at one endpoint.
 *
 * Refused before anything else: hosts and origins that are not allowed, bodies that are too large, too slow or nested too deeply.
 *
 * @throws {TypeError} an option that does not exist, or cannot be used
 * @see MCP 2026-07-28, Streamable HTTP
 */
export function createApp(server: Server, options: AppOptions = {}): ServerApp {
  assertOptions('createApp', options, APP_OPTIONS)
  return createGuardedApp(server, undefined, options)
}

/** Serves a server behind a guard. `protect` is the way to make one. */
export function createGuardedApp(server: Server, guard: HttpGuard | undefined, options: AppOptions): ServerApp {
  const { path } = options
  if (path !== undefined && !/^\/[^?#]*$/.test(path))
    throw new TypeError(
      `path should begin with a slash and have no query, such as /mcp; received ${JSON.stringify(path)}`,
    )
  const { allowedOrigins = guard?.allowedOrigins, allowedHosts } = options
  const checkHost = createHostCheck({ allowedOrigins, allowedHosts }, guard?.allowedHosts)
  const endpoint = createEndpoint(server, guard, options)

  const answer = async (request: HttpRequest): Promise<HttpResponse> => {
    if (request.method === 'OPTIONS' && request.header('origin') !== undefined) return preflight(request)
    if (path !== undefined && pathOf(request.target) !== path)
      return refuseRequest(404, `Not found: the MCP endpoint of this server is ${path}`)
    if (!['POST', 'GET', 'DELETE'].includes(request.method))
      return refuseRequest(405, 'Method not allowed', { allow: 'POST, GET, DELETE' })
    const checked = guard && (await guard.authenticate(request))
    if (checked && 'refused' in checked) return checked.refused
    return withHeaders(await endpoint.answer(request, checked?.auth), checked?.headers)
  }
  const fail = (error: unknown): HttpResponse => {
    server.internals.report(error, {})
    return refuse(500, { code: INTERNAL_ERROR, message: 'Internal error' })
  }
  const handle = async (request: HttpRequest): Promise<HttpResponse> => {
    try {
      const routed = guard?.route(request)
      if (routed) return routed
      const wrong = checkHost(request)
      if (wrong !== undefined) return refuseRequest(403, `Forbidden: ${wrong}`)
    } catch (error) {
      return fail(error)
    }
    // Pages may read every answer from here on, for errors tell them what to do.
    return withHeaders(await answer(request).catch(fail), corsHeaders(request))
  }

  return {
    server,
    path,
    bodyTimeoutMs: options.bodyTimeoutMs,
    handle,
    fetch: async request => {
      const answer = await handle(fromRequest(request))
      try {
        return toResponse(answer)
      } catch (error) {
        return toResponse(fail(error))
      }
    },
    close: () => endpoint.close(),
  }
}

function withHeaders(response: HttpResponse, headers: Readonly<Record<string, string>> | undefined): HttpResponse {
  return headers === undefined ? response : { ...response, headers: { ...response.headers, ...headers } }
}

/** The path of a request's target. */
export function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}
