import { type Diagnosis, type DiagnosisStep, type Finding, type FindingSeverity, FINDINGS } from 'latchkey/doctor'
import { plainText } from './plain-text.ts'
import type { Style } from './style.ts'

/** A sign with a word, so that neither colours nor symbols are needed to read it. */
function mark(severity: FindingSeverity | 'ok', style: Style): string {
  switch (severity) {
    case 'error':
      return style.red('✗ error  ')
    case 'warning':
      return style.yellow('! warning')
    case 'info':
      return style.cyan('· info   ')
    default:
      return style.green('✓ ok     ')
  }
}

/** One step: a line, and below it what does not fit the eye at once. `server` is what all of it is about, and not named again. */
export function stepLines(step: DiagnosisStep, server: string, style: Style): readonly string[] {
  const { findings = [], received, expected, url } = step
  const found = findings.map(code => FINDINGS[code].severity)
  const severity = (['error', 'warning', 'info'] as const).find(each => found.includes(each)) ?? 'ok'
  const isGrave = severity === 'error' || severity === 'warning'
  const seen = received === undefined ? '' : `: ${oneLine(received)}`
  const where = isGrave || url === undefined || url === server ? '' : style.dim(` (${oneLine(url)})`)
  const names = findings.length === 0 ? '' : style.dim(` [${findings.join(', ')}]`)
  const details = isGrave ? facts({ url, expected }, style) : []
  return [`${mark(severity, style)}  ${style.bold(oneLine(step.step))}${seen}${where}${names}`, ...details]
}

/** What was found, what it means, and what either side can do. */
export function findingText(finding: Finding, style: Style): readonly string[] {
  const { severity, title, code, meaning, hint, user, operator, url, expected, received } = finding
  return [
    `${mark(severity, style)}  ${style.bold(title)} ${style.dim(`[${code}]`)}`,
    `  ${meaning}`,
    ...facts({ url, expected, received }, style),
    ...(hint === undefined ? [] : [`  ${style.cyan('→')} ${oneLine(hint)}`]),
    `  ${style.cyan('→')} If you use the server: ${user}`,
    `  ${style.cyan('→')} If you run it: ${operator}`,
  ]
}

/** The verdict, last. */
export function summaryLine({ ok, findings, server }: Diagnosis, style: Style): string {
  const count = (severity: FindingSeverity): number => findings.filter(each => each.severity === severity).length
  const counts = [
    [count('error'), 'error'],
    [count('warning'), 'warning'],
  ] as const
  const words = counts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}${number === 1 ? '' : 's'}`] : []))
  return `${ok ? style.green('✓') : style.red('✗')} ${oneLine(server)}: ${words.join(', ') || 'nothing to complain about'}`
}

function facts(named: Readonly<Record<string, string | undefined>>, style: Style): readonly string[] {
  return Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${style.dim(name.padEnd(8))}  ${oneLine(value)}`],
  )
}

/** Answers of a server are shown as data. */
function oneLine(text: string): string {
  return plainText(text).replace(/\s*\n\s*/g, ' ')
}
