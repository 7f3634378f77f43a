import { type Diagnosis, type DiagnosisStep, diagnose, type Finding } from 'latchkey/doctor'
import { proxyFor } from 'latchkey/node'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { findingText, stepLines, summaryLine } from '../doctor-view.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { readHeaderOptions } from '../header-options.ts'
import { printJson } from '../json-output.ts'
import { sessionOptions } from '../open-session.ts'
import { withVerboseLines } from '../server-fetch.ts'

/** The options of `latchkey doctor`. */
export interface DoctorOptions extends CommandOptions {
  readonly register?: boolean
}

/** `latchkey doctor`: every step of reaching a server and logging in to it, what was found, and what to do about it. */
export async function doctor(context: CommandContext, server: string, given: DoctorOptions): Promise<ExitCode> {
  const { io, terminal, options } = context
  const { grant, fetch, ...session } = await sessionOptions(context, { server, interactive: false })
  const { dataStyle } = terminal
  const asJson = options.json === true
  const onStep = (step: DiagnosisStep): void => {
    if (!asJson)
      terminal.progress.interrupt(() => io.stdout.write(lines(stepLines(step, String(session.server), dataStyle))))
  }
  const diagnosis = await terminal.progress.during(`Examining ${server}`, () =>
    diagnose(session.server, {
      ...session,
      grant,
      ...(fetch && { fetch: withVerboseLines(context, String(session.server), fetch) }),
      headers: readHeaderOptions(options.header, io.env),
      register: given.register === true,
      proxyOf: url => proxyFor(url, io.env)?.host,
      onStep,
      signal: io.signal,
    }),
  )
  if (asJson) printJson(io, diagnosis)
  else {
    const worth = diagnosis.findings.filter(({ severity }) => severity !== 'info')
    const texts = worth.flatMap(finding => ['', ...findingText(finding, dataStyle)])
    io.stdout.write(lines([...texts, '', summaryLine(diagnosis, dataStyle)]))
  }
  return exitCodeOf(diagnosis)
}

/** What cannot be reached, or spoken with, is 5; what could be reached and would not let anybody in is 4. */
function exitCodeOf({ findings }: Diagnosis): ExitCode {
  const errors = findings.filter(({ severity }: Finding) => severity === 'error')
  if (errors.length === 0) return EXIT.done
  return errors.some(({ concern }) => concern !== 'authorization') ? EXIT.unreachable : EXIT.authorizationFailed
}

function lines(texts: readonly string[]): string {
  return texts.map(text => `${text}\n`).join('')
}
