import { checkClientIdMetadataDocument, displayText } from 'latchkey/oauth/protocol'
import { isCimdUrl, readCimdSource } from '../cimd-source.ts'
import type { CommandContext } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findingLines } from '../finding-lines.ts'
import { printJson } from '../json-output.ts'

/** `latchkey cimd validate`: what an authorization server would make of a client-id metadata document. */
export async function cimdValidate(context: CommandContext, source: string): Promise<ExitCode> {
  const { io, terminal, options } = context
  const isUrl = isCimdUrl(source)
  const findings = checkClientIdMetadataDocument(await readCimdSource(context, source))
  const ok = findings.every(({ severity }) => severity !== 'error')
  if (options.json === true) {
    printJson(io, { ok, ...(isUrl ? { url: source } : { file: source }), findings })
  } else {
    const { dataStyle } = terminal
    const count = findings.length === 0 ? 'nothing to complain about' : counted(findings)
    const verdict = `${ok ? dataStyle.green('✓') : dataStyle.red('✗')} ${displayText(source, 1_000)}: ${count}`
    io.stdout.write(`${[...findingLines(findings, dataStyle), verdict].join('\n')}\n`)
  }
  if (!isUrl) {
    terminal.say(terminal.style.dim('Redirects, content type and caching can be checked once it is served.'))
  }
  return ok ? EXIT.done : EXIT.failed
}

function counted(findings: ReturnType<typeof checkClientIdMetadataDocument>): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const counts = [
    [errors, 'error'],
    [findings.length - errors, 'warning'],
  ] as const
  return counts.flatMap(([count, what]) => (count > 0 ? `${count} ${what}${count === 1 ? '' : 's'}` : [])).join(', ')
}
