import type { CallToolResult, Tool, ToolOutputSchema } from '../protocol/tools.ts'
import { createJsonSchemaValidator, type JsonSchemaValidator } from '../schema/json-schema-validator.ts'
import { mirrorArguments, readToolHeaders, type MirroredParameter } from '../protocol/tool-headers.ts'

/** Tools that are remembered; a hostile list must not fill the memory. The one listed longest ago is dropped first. */
const MAX_KNOWN_TOOLS = 10_000

interface KnownTool {
  readonly parameters: readonly MirroredParameter[]
  readonly repeatable: boolean
  readonly outputSchema: ToolOutputSchema | undefined
  /** Made when it is needed for the first time. */
  validator?: Promise<JsonSchemaValidator | undefined>
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
  /** What is wrong with the structured result of a tool; undefined when nothing is, or nothing is known of what it should be. */
  problemOf(name: string, result: CallToolResult): Promise<string | undefined>
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
        known.set(name, { parameters: headers.parameters, repeatable, outputSchema: tool.outputSchema })
        for (const oldest of known.keys()) {
          if (known.size <= MAX_KNOWN_TOOLS) break
          known.delete(oldest)
        }
        return true
      }),
    headersOf: (name, args) => mirrorArguments(known.get(name)?.parameters ?? [], args),
    isRepeatable: name => known.get(name)?.repeatable === true,
    async problemOf(name, { isError, structuredContent }) {
      const tool = known.get(name)
      if (!tool?.outputSchema || isError === true) return undefined
      if (structuredContent === undefined) return 'there is no structured content, which the tool promises'
      const validate = await (tool.validator ??= createJsonSchemaValidator(tool.outputSchema))
      return validate?.(structuredContent)
    },
  }
}
