import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { toNodeHandler } from '../../src/node.ts'
import type { ServerApp } from '../../src/server.ts'

/** An app that a framework serves. */
export interface Served {
  readonly url: string
  /** How to reach it; over the network, or within the process. */
  readonly fetch: typeof fetch
  readonly close: () => Promise<void>
}

/** Serves an app by a framework. */
export type Framework = (app: ServerApp) => Promise<Served>

/** Everything that a server is mounted in, as docs/server.md shows it. */
export const frameworks: Readonly<Record<string, Framework>> = {
  'node:http': async app => listening(createHttpServer(toNodeHandler(app)), '/mcp'),

  'Express, without a body parser': async app => {
    const site = express()
    site.use('/api/mcp', toNodeHandler(app))
    return listening(createHttpServer(site), '/api/mcp')
  },

  'Express, after express.json()': async app => {
    const site = express()
    site.use(express.json())
    site.use('/api/mcp', toNodeHandler(app))
    return listening(createHttpServer(site), '/api/mcp')
  },

  'Fastify, with its own parser': async app => {
    const site = Fastify()
    const handler = toNodeHandler(app)
    site.all('/mcp', (request, reply) => {
      reply.hijack()
      handler(Object.assign(request.raw, { body: request.body }), reply.raw)
    })
    await site.listen({ port: 0, host: '127.0.0.1' })
    return at(site.server, '/mcp', () => site.close())
  },

  'Fastify, with the body unread': async app => {
    const site = Fastify()
    const handler = toNodeHandler(app)
    site.register(async scope => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.all('/mcp', (request, reply) => {
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    })
    await site.listen({ port: 0, host: '127.0.0.1' })
    return at(site.server, '/mcp', () => site.close())
  },

  'Hono on Node': async app => {
    const site = new Hono()
    site.all('/mcp', c => app.fetch(c.req.raw))
    return new Promise(resolve => {
      const server = serveHono({ fetch: site.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(at(server as HttpServer, '/mcp')),
      )
    })
  },

  'Hono, mounted, as fetch': async app => {
    const site = new Hono()
    site.mount('/api/mcp', app.fetch)
    const url = 'http://127.0.0.1/api/mcp'
    return { url, fetch: async (input, init) => site.fetch(new Request(input, init)), close: async () => undefined }
  },
}

async function listening(server: HttpServer, path: string): Promise<Served> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return at(server, path)
}

function at(server: HttpServer, path: string, closeFirst?: () => Promise<unknown>): Served {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    fetch,
    close: async () => {
      const closed = closeFirst?.() ?? new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
