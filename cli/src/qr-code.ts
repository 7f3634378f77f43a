import type { Io } from './io.ts'
import type { Style } from './style.ts'

/** Light modules around the code; scanners want a margin to find it. */
const BORDER = 2
/** Longer texts make codes that nobody can scan off a screen. */
const MAX_CHARACTERS = 500

/** Where a QR code is to be shown. */
export interface QrSurroundings {
  readonly columns: number
  /** Undefined where it is not known. */
  readonly rows: number | undefined
  /** Black on white where there is colour; else as it comes out right on a dark background. */
  readonly style: Style
}

/** The surroundings that stderr is, undefined when it cannot show a QR code: no terminal, a dumb one, or no Unicode. */
export function qrSurroundings({ stderr, env }: Io, style: Style): QrSurroundings | undefined {
  if (stderr.isTTY !== true || env['TERM'] === 'dumb') return undefined
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG']
  if (locale && !/utf-?8/i.test(locale)) return undefined
  return { columns: stderr.columns ?? 80, rows: stderr.rows, style }
}

/** A QR code in half blocks, two modules a character high; empty when it does not fit. */
export async function qrLines(text: string, { columns, rows, style }: QrSurroundings): Promise<readonly string[]> {
  if (text.length > MAX_CHARACTERS) return []
  const { encode } = await import('uqr')
  const { data, size } = encode(text, { border: BORDER })
  const height = Math.ceil(size / 2)
  if (size > columns || (rows !== undefined && height > rows)) return []
  return Array.from({ length: height }, (_, index) => {
    const [upper = [], lower = []] = [data[index * 2], data[index * 2 + 1]]
    if (!style.isColorSupported) return upper.map((dark, column) => glyph(!dark, lower[column] === false)).join('')
    const line = upper.map((dark, column) => glyph(dark, lower[column] === true)).join('')
    return style.bgWhiteBright(style.black(line))
  })
}

function glyph(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
