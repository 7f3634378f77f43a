import type { Tool } from '../protocol/tools.ts'
import { mirrorArguments, readToolHeaders, type MirroredParameter } from './tool-headers.ts'

/** Tools that are remembered; a hostile list must not fill the memory. The one listed longest ago is dropped first. */
const MAX_KNOWN_TOOLS = 10_000

interface KnownTool {
  readonly parameters: readonly MirroredParameter[]
  readonly repeatable: boolean
}

/** What the lists that were read say about the tools. Nothing is listed for its sake. */
export interface KnownTools {
  /** Learns from a page of tools and returns those that may be used; with `mirror`, those with impossible headers are reported and left out. */
  admit(
    tools: readonly Tool[],
    options: { readonly mirror: boolean; readonly report: (tool: string, problem: string) => void },
  ): readonly Tool[]
  /** The headers that repeat the arguments of a call. */
  headersOf(name: string, args: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, string>>
  /** Whether the tool says that calling it twice does no harm. Unknown tools do not say so. */
  isRepeatable(name: string): boolean
}

/** Creates the {@link KnownTools} of one client. */
export function createKnownTools(): KnownTools {
  const known = new Map<string, KnownTool>()
  return {
    admit: (tools, { mirror, report }) =>
      tools.filter(tool => {
        const { name, inputSchema, annotations } = tool
        const headers = mirror ? readToolHeaders(inputSchema) : { ok: true as const, parameters: [] }
        known.delete(name)
        if (!headers.ok) {
          report(name, headers.problem)
          return false
        }
        const repeatable = annotations?.readOnlyHint === true || annotations?.idempotentHint === true
        known.set(name, { parameters: headers.parameters, repeatable })
        for (const oldest of known.keys()) {
          if (known.size <= MAX_KNOWN_TOOLS) break
          known.delete(oldest)
        }
        return true
      }),
    headersOf: (name, args) => mirrorArguments(known.get(name)?.parameters ?? [], args),
    isRepeatable: name => known.get(name)?.repeatable === true,
  }
}
