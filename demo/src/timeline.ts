import { styleText } from 'node:util'
import type { Leg } from './leg.ts'
import { legWords, type Purpose } from './leg-words.ts'

/** Prints what happens, as it happens. */
export interface Timeline {
  title(text: string, lines: readonly (readonly [string, string])[]): void
  step(heading: string, why: string): void
  command(line: string): void
  /** One exchange, in redacted words. */
  leg(leg: Leg): void
  /** What a program printed, or what a page showed. */
  quote(label: string, text: string): void
  note(text: string): void
  check(passed: boolean, text: string): void
  /** Everything printed so far. */
  printed(): string
}

type Style = Parameters<typeof styleText>[0]

const COLOURS: Readonly<Record<Purpose, Style>> = {
  challenge: 'yellow',
  discovery: 'blue',
  registration: 'blue',
  authorization: 'magenta',
  login: 'magenta',
  consent: 'magenta',
  redirect: 'magenta',
  token: 'green',
  refresh: 'green',
  call: 'cyan',
  revocation: 'red',
  keys: 'gray',
}

const PURPOSE_WIDTH = 'authorization'.length
const ROUTE_WIDTH = 'notes server → authorization server'.length
const REQUEST_WIDTH = 'GET /.well-known/oauth-protected-resource/mcp'.length

export function createTimeline(output: { write(text: string): unknown; readonly isTTY?: boolean }): Timeline {
  const coloured = Boolean(output.isTTY) && !process.env['NO_COLOR']
  const style = (format: Style, text: string): string =>
    coloured ? styleText(format, text, { validateStream: false }) : text
  const written: string[] = []
  const line = (text = ''): void => {
    written.push(text)
    output.write(`${text}\n`)
  }
  let steps = 0

  return {
    title: (text, lines) => {
      line(style('bold', text))
      line()
      for (const [name, value] of lines) line(`  ${name.padEnd(22)}${value}`)
    },
    step: (heading, why) => {
      steps += 1
      line()
      line(style('bold', `${steps}  ${heading}`))
      line(style('dim', `   ${why}`))
      line()
    },
    command: text => line(`   ${style('bold', `$ ${text}`)}`),
    leg: leg => {
      const words = legWords(leg)
      if (!words) return
      const purpose = style(COLOURS[words.purpose], words.purpose.padEnd(PURPOSE_WIDTH))
      const route = `${words.from} → ${words.to}`.padEnd(ROUTE_WIDTH)
      line(`   ${purpose}  ${route}  ${words.request.padEnd(REQUEST_WIDTH)}  ${words.outcome}`)
      for (const detail of words.details) line(style('dim', `   ${' '.repeat(PURPOSE_WIDTH)}    ${detail}`))
    },
    quote: (label, text) => {
      for (const quoted of text.trimEnd().split('\n')) line(`   ${style('gray', `${label} │`)} ${quoted}`)
    },
    note: text => line(style('dim', `   ${text}`)),
    check: (passed, text) => line(`   ${passed ? style('green', '✓') : style('red', '✗')} ${text}`),
    printed: () => written.join('\n'),
  }
}
