import pc from 'picocolors'
import type { Io, Output } from './io.ts'

/** Picocolors' functions, or functions that change nothing. */
export type Style = ReturnType<typeof pc.createColors>

/** Colour for a stream: on terminals only; `NO_COLOR` and `TERM=dumb` turn it off. */
export function styleFor(output: Output, env: Io['env']): Style {
  return pc.createColors(output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb')
}
