import type { Client } from 'latchkey/client'

/** One page of tools, as the client gives it. */
type ToolsPage = Awaited<ReturnType<Client['listTools']>>
/** One tool, as the server listed it. */
export type ListedTool = ToolsPage['tools'][number]

/** The most pages that are read from one server. */
const MAX_PAGES = 1_000

/**
 * Every tool of a server, as one result object: a single page exactly as it came, several with their tools joined. Ends at an
 * absent or repeated cursor.
 */
export async function listAllTools(client: Client, signal: AbortSignal): Promise<ToolsPage> {
  const { nextCursor, ...first } = await client.listTools({ signal })
  const tools = [...first.tools]
  const seen = new Set<string>()
  let cursor = nextCursor
  while (cursor !== undefined && !seen.has(cursor) && seen.size < MAX_PAGES) {
    seen.add(cursor)
    const page = await client.listTools({ cursor, signal })
    tools.push(...page.tools)
    cursor = page.nextCursor
  }
  return { ...first, tools }
}
