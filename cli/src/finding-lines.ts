import type { ClientIdMetadataFinding } from 'latchkey/oauth/protocol'
import type { Style } from './style.ts'

/** Findings for people: what, and below it what to do. */
export function findingLines(findings: readonly ClientIdMetadataFinding[], style: Style): readonly string[] {
  return findings.flatMap(({ severity, about, message, hint }) => [
    `${severity === 'error' ? style.red('✗') : style.yellow('!')} ${style.bold(about)}: ${message}`,
    `  ${style.cyan('→')} ${hint}`,
  ])
}
