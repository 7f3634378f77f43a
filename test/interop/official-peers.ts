import type { Transport as NewTransport } from '@modelcontextprotocol/client'
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** How to reach the server: an endpoint, or a program and its arguments. */
export type Address =
  | { readonly url: string }
  | { readonly command: string; readonly args: readonly string[]; readonly env?: Record<string, string> }

/** An official client, connected. */
export interface Peer {
  readonly client: NewClient | OldClient
  readonly revision: string | undefined
  /** Log messages that came, without what is not data. */
  readonly logs: { readonly level: string; readonly data: unknown }[]
  /** What changed: `tools`, or the URI of a resource. */
  readonly changes: string[]
  call(
    name: string,
    args?: Record<string, unknown>,
    options?: {
      readonly onProgress?: (progress: unknown) => void
      readonly signal?: AbortSignal
      readonly logLevel?: string
    },
  ): Promise<Record<string, unknown>>
  /** Asks to hear of changes of the list of tools, and of a resource. */
  listen(uri: string): Promise<void>
  close(): Promise<void>
}

const INFO = { name: 'official', version: '1.0.0' }
const CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: {},
  roots: { listChanged: true },
}
const answers = {
  elicit: ({ params }: { readonly params: { readonly message: string } }) => {
    if (params.message === 'Who are you?') return { action: 'accept' as const, content: { name: 'Ada' } }
    if (params.message === 'Sure?') return { action: 'accept' as const, content: { sure: true } }
    return { action: 'accept' as const }
  },
  sample: () => ({
    role: 'assistant' as const,
    content: { type: 'text' as const, text: 'to the river' },
    model: 'test',
  }),
  roots: () => ({ roots: [{ uri: 'file:///work', name: 'work' }] }),
}

/** Connects the official client of the second generation. */
export async function openNewPeer(address: Address, mode: 'legacy' | 'auto'): Promise<Peer> {
  const client = new NewClient(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode } })
  client.setRequestHandler('elicitation/create', answers.elicit)
  client.setRequestHandler('sampling/createMessage', answers.sample)
  client.setRequestHandler('roots/list', answers.roots)
  const logs: Peer['logs'] = []
  const changes: string[] = []
  client.setNotificationHandler('notifications/message', ({ params: { level, data } }) => {
    logs.push({ level, data })
  })
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes.push('tools'))
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void changes.push(params.uri))
  const transport: NewTransport =
    'url' in address
      ? new NewHttp(new URL(address.url))
      : new NewStdio({ ...address, args: [...address.args], stderr: 'ignore' })
  await client.connect(transport)
  const isStateless = client.getProtocolEra() !== 'legacy'
  return {
    client,
    logs,
    changes,
    revision: client.getNegotiatedProtocolVersion(),
    call: async (name, args = {}, { onProgress, signal, logLevel } = {}) => {
      if (logLevel && !isStateless) await client.setLoggingLevel(logLevel as 'info')
      const _meta = logLevel && isStateless ? { 'io.modelcontextprotocol/logLevel': logLevel } : undefined
      return client.callTool(
        { name, arguments: args, ...(_meta && { _meta }) },
        { ...(onProgress && { onprogress: onProgress }), ...(signal && { signal }) },
      )
    },
    listen: async uri => {
      if (isStateless) await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] })
      else await client.subscribeResource({ uri })
    },
    close: () => client.close(),
  }
}

/** Connects the official client of the first generation. */
export async function openOldPeer(address: Address): Promise<Peer> {
  const client = new OldClient(INFO, { capabilities: CAPABILITIES })
  client.setRequestHandler(ElicitRequestSchema, answers.elicit)
  client.setRequestHandler(CreateMessageRequestSchema, answers.sample)
  client.setRequestHandler(ListRootsRequestSchema, answers.roots)
  const logs: Peer['logs'] = []
  const changes: string[] = []
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { level, data } }) => {
    logs.push({ level, data })
  })
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes.push('tools'))
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void changes.push(params.uri))
  const transport =
    'url' in address
      ? new OldHttp(new URL(address.url))
      : new OldStdio({ ...address, args: [...address.args], stderr: 'ignore' })
  await client.connect(transport)
  return {
    client,
    logs,
    changes,
    revision: '2025-11-25',
    call: async (name, args = {}, { onProgress, signal, logLevel } = {}) => {
      if (logLevel) await client.setLoggingLevel(logLevel as 'info')
      const options = { ...(onProgress && { onprogress: onProgress }), ...(signal && { signal }) }
      return client.callTool({ name, arguments: args }, undefined, options)
    },
    listen: async uri => {
      await client.subscribeResource({ uri })
    },
    close: async () => {
      if (transport instanceof OldHttp) await transport.terminateSession()
      await client.close()
    },
  }
}
