import { TransportError } from '../jsonrpc/errors.ts'
import type { CallToolResult, Tool } from '../protocol/tools.ts'
import type { Client } from './client.ts'
import type { ListOptions, RequestOptions } from './request-options.ts'

/** A tool of one of several servers, under a name that is unique among them. */
export interface GroupTool extends Tool {
  /** The server that has it, as the group calls it. */
  readonly server: string
  /** What the server calls it. */
  readonly originalName: string
}

/** Several servers at once, as one toolbox. */
export interface ClientGroup extends AsyncDisposable {
  readonly clients: ReadonlyMap<string, Client>
  /** Why a server could not be reached, by its name. The others are there all the same. */
  readonly failures: ReadonlyMap<string, unknown>
  /**
   * The tools of all servers, listed anew. A name that several servers have is given out as `server_name` for each of them, the same way every time.
   * A server that cannot be listed is reported to `onFailure` and left out.
   */
  tools(
    options?: Omit<ListOptions, 'cursor'> & { readonly onFailure?: (server: string, error: unknown) => void },
  ): Promise<readonly GroupTool[]>
  /**
   * Calls a tool by the name that {@link tools} gave it; lists the tools first if they never were.
   *
   * @throws {TransportError} `configuration` for a name that no server has
   */
  callTool(name: string, args?: Readonly<Record<string, unknown>>, options?: RequestOptions): Promise<CallToolResult>
  /** Closes every client. Never rejects. */
  close(): Promise<void>
}

/**
 * Connects several servers side by side; one that fails does not keep the others away.
 *
 * @param servers how to connect each, by the name that the group gives it: letters, digits, `-` and `_`
 * @throws {TransportError} `configuration` for a name that cannot be used
 */
export async function connectGroup(servers: Readonly<Record<string, () => Promise<Client>>>): Promise<ClientGroup> {
  for (const name of Object.keys(servers)) {
    if (/^[\w-]{1,64}$/.test(name)) continue
    const hint = 'Use letters, digits, - and _: the name becomes part of tool names'
    throw new TransportError('configuration', `${JSON.stringify(name.slice(0, 80))} cannot name a server`, { hint })
  }
  const clients = new Map<string, Client>()
  const failures = new Map<string, unknown>()
  await Promise.all(
    Object.entries(servers).map(async ([name, connect]) => {
      try {
        clients.set(name, await connect())
      } catch (error) {
        failures.set(name, error)
      }
    }),
  )
  let known: ReadonlyMap<string, GroupTool> | undefined

  async function list(options: Parameters<ClientGroup['tools']>[0] = {}): Promise<readonly GroupTool[]> {
    const { onFailure, ...listing } = options
    const lists = await Promise.all(
      // In the order they were given, whatever the order in which they answered.
      Object.keys(servers).map(async server => {
        const found: Tool[] = []
        try {
          for await (const tool of clients.get(server)?.tools(listing) ?? []) found.push(tool)
        } catch (error) {
          onFailure?.(server, error)
        }
        return { server, found }
      }),
    )
    const tools = name(lists)
    known = new Map(tools.map(tool => [tool.name, tool]))
    return tools
  }

  const close = async (): Promise<void> => {
    await Promise.allSettled([...clients.values()].map(client => client.close()))
  }
  return {
    clients,
    failures,
    tools: list,
    async callTool(name, args, options) {
      if (!known) await list(options?.signal ? { signal: options.signal } : {})
      const tool = known?.get(name)
      const client = tool && clients.get(tool.server)
      if (tool && client) return client.callTool(tool.originalName, args, options)
      const hint = 'Use a name that tools() gave'
      throw new TransportError('configuration', `No server has a tool ${JSON.stringify(name.slice(0, 128))}`, { hint })
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Gives every tool a name of its own. */
function name(lists: readonly { readonly server: string; readonly found: readonly Tool[] }[]): readonly GroupTool[] {
  const counts = new Map<string, number>()
  for (const { found } of lists) {
    for (const each of new Set(found.map(tool => tool.name))) counts.set(each, (counts.get(each) ?? 0) + 1)
  }
  const taken = new Set<string>([...counts].filter(([, count]) => count === 1).map(([each]) => each))
  return lists.flatMap(({ server, found }) =>
    found.map(tool => {
      let unique = tool.name
      if (!taken.has(unique)) {
        unique = `${server}_${tool.name}`
        // A server may itself have a tool of that very name.
        while (taken.has(unique)) unique += '_'
        taken.add(unique)
      }
      return { ...tool, name: unique, server, originalName: tool.name }
    }),
  )
}
