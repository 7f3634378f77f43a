import { describe, expect, it } from 'vitest'
import { devicePromptLines } from '../../cli/src/device-prompt.ts'
import type { Io } from '../../cli/src/io.ts'
import { styleFor } from '../../cli/src/style.ts'
import { qrLines, type QrSurroundings, qrSurroundings } from '../../cli/src/qr-code.ts'

const screen = { isTTY: true, write: (): void => undefined }
const plain = styleFor(screen, { NO_COLOR: '1' })
const colourful = styleFor(screen, {})
const COMPLETE = 'https://auth.example.com/d?code=A'
/** That address as a QR code of version 3, as its encoder makes it: `#` is dark. */
const MODULES = `
#######...#...#..###..#######
#.....#..#...#....###.#.....#
#.###.#.#..#...#...##.#.###.#
#.###.#..#..##..#.##..#.###.#
#.###.#..#..##..####..#.###.#
#.....#...###.######..#.....#
#######.#.#.#.#.#.#.#.#######
........#..#...#.##.#........
###.#####...#...#######...#..
.##......#.###.##....###.#..#
#.#...###.###.####...#..#.###
#.#....####.###.#########..#.
#.#####...##..####..###..#.##
...###.#.###..##.#..###..#..#
#..#..#......#......###.##.##
#.##....#.##...#.#.##....#.#.
.#.####.#...#...########.#.##
.#####.##..###.##.#.#.#..##.#
#.##.##.#####.#..#..#..##..##
.#####.###..########.#...#.#.
#...###..###..##.#..#####....
........#.##..#..#..#...#.###
#######.#....#...####.#.##.##
#.....#.#..#...####.#...##...
#.###.#.##..#...##..#####...#
#.###.#..#.###..#.......#.###
#.###.#.#..##.#.##.#...###..#
#.....#.#...##########.....#.
#######.##.#..#.##.####.#..##
`
  .trim()
  .split('\n')
/** With a margin of two light modules. */
const SIZE = MODULES.length + 4
const HEIGHT = Math.ceil(SIZE / 2)
const code = {
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://auth.example.com/device',
  verificationUriComplete: COMPLETE,
  expiresAt: 600_000,
}
const wide: QrSurroundings = { columns: 100, rows: 50, style: plain }

/** The modules that a terminal shows, true for ink: the foreground colour. */
function inked(lines: readonly string[]): readonly (readonly boolean[])[] {
  return lines.flatMap(line => {
    const glyphs = Array.from(line)
    return [glyphs.map(each => each === '█' || each === '▀'), glyphs.map(each => each === '█' || each === '▄')]
  })
}

const withoutColours = (line: string): string =>
  line.replaceAll('\u001b[107m\u001b[30m', '').replaceAll('\u001b[39m\u001b[49m', '')

describe('the QR code', () => {
  const margin = '.'.repeat(SIZE)
  const expected = [margin, margin, ...MODULES.map(row => `..${row}..`), margin, margin]
  const asText = (rows: readonly (readonly boolean[])[], dark: string, light: string): readonly string[] =>
    rows.slice(0, SIZE).map(row => row.map(ink => (ink ? dark : light)).join(''))

  it('R-DEVICE-1 shows exactly the modules, light ink on a dark screen, with a margin of two', async () => {
    expect(asText(inked(await qrLines(COMPLETE, wide)), '.', '#')).toEqual(expected)
  })

  it('R-DEVICE-1 is black on white where there is colour, whatever the background', async () => {
    const lines = await qrLines(COMPLETE, { ...wide, style: colourful })
    expect(asText(inked(lines.map(withoutColours)), '#', '.')).toEqual(expected)
    for (const line of lines) expect(line.startsWith('\u001b[107m\u001b[30m')).toBe(true)
    expect((await qrLines(COMPLETE, wide)).join('')).not.toContain('\u001b')
  })

  it('R-DEVICE-1 is left out where it does not fit, and never wraps', async () => {
    const fits = { ...wide, columns: SIZE, rows: HEIGHT }
    expect(await qrLines(COMPLETE, fits)).toHaveLength(HEIGHT)
    for (const line of await qrLines(COMPLETE, fits)) expect(Array.from(line)).toHaveLength(SIZE)
    expect(await qrLines(COMPLETE, { ...fits, columns: SIZE - 1 })).toEqual([])
    expect(await qrLines(COMPLETE, { ...fits, rows: HEIGHT - 1 })).toEqual([])
    expect(await qrLines(COMPLETE, { ...fits, rows: undefined })).toHaveLength(HEIGHT)
    expect(await qrLines('x'.repeat(100_000), { ...wide, columns: 10_000, rows: 10_000 })).toEqual([])
  })

  const io = (stderr: object, env: Io['env'] = {}): Io => ({ stderr, env }) as unknown as Io
  it.each<[boolean, object, Io['env']]>([
    [true, { isTTY: true, columns: 100 }, { LANG: 'en_GB.UTF-8' }],
    [true, { isTTY: true }, {}],
    [true, { isTTY: true }, { LANG: 'C', LC_ALL: 'C.utf8' }],
    [false, {}, { LANG: 'en_GB.UTF-8' }],
    [false, { isTTY: false }, {}],
    [false, { isTTY: true }, { TERM: 'dumb' }],
    [false, { isTTY: true }, { LANG: 'C' }],
    [false, { isTTY: true }, { LANG: 'en_GB.UTF-8', LC_ALL: 'POSIX' }],
  ])('R-DEVICE-1 is offered (%s) to %j with %j', (offered, stderr, env) => {
    expect(qrSurroundings(io(stderr, env), plain) !== undefined).toBe(offered)
  })
})

describe('the prompt of a device login', () => {
  const prompt = async (changes: object = {}, qr?: QrSurroundings, style = plain) =>
    (await devicePromptLines({ ...code, ...changes }, { server: 'https://h.example/mcp', style, now: 0, qr })).join(
      '\n',
    )

  it('R-DEVICE-1 shows address, code, the address with the code in it, and how long it works', async () => {
    const text = await prompt()
    expect(text).toContain('To log in to https://h.example/mcp')
    expect(text).toMatch(/^ {2}https:\/\/auth\.example\.com\/device$/m)
    expect(text).toMatch(/^ {2}│ {2}WDJB-MJHT {2}│$/m)
    expect(text).toContain(COMPLETE)
    expect(text).toContain('works for 10 minutes')
    expect(text).not.toContain('scan')
  })

  it('R-DEVICE-1 the QR code leads to the address with the code in it, or to the bare one', async () => {
    expect(await prompt({}, wide)).toContain((await qrLines(COMPLETE, wide)).join('\n'))
    const bare = await prompt({ verificationUriComplete: undefined }, wide)
    expect(bare).toContain((await qrLines(code.verificationUri, wide)).join('\n'))
    expect(bare).not.toContain('code=A')
  })

  it('R-DEVICE-1 has no colour without colour, and the code in one piece with it', async () => {
    expect(await prompt({}, wide)).not.toContain('\u001b')
    expect(await prompt({}, wide, colourful)).toContain('\u001b[1mWDJB-MJHT\u001b[22m')
  })

  it('R-DEVICE-1 text of the server cannot drive the terminal or break the frame', async () => {
    const text = await prompt({
      userCode: 'A\u001b[2J\nB\u202e',
      verificationUri: 'https://auth.example.com/\u202edevice\u001b[2J',
      verificationUriComplete: 'https://auth.example.com/d?\u009b31m',
    })
    expect(text).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u)
    const frame = text.split('\n').filter(line => /[┌│└]/.test(line))
    expect(new Set(frame.map(line => Array.from(line).length)).size).toBe(1)
  })
})
