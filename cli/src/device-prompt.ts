import type { DeviceCode } from 'latchkey/oauth'
import { displayText } from 'latchkey/oauth/protocol'
import { qrLines, type QrSurroundings } from './qr-code.ts'
import { durationText } from './relative-time.ts'
import type { Style } from './style.ts'

/** What the prompt of a device login depends on. */
export interface DevicePromptOptions {
  readonly server: string
  readonly style: Style
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Absent where no QR code can be shown. */
  readonly qr?: QrSurroundings | undefined
}

/** What a person who logs in on another device is shown: address, code, the address with the code in it, and that as a QR code. */
export async function devicePromptLines(code: DeviceCode, options: DevicePromptOptions): Promise<readonly string[]> {
  const { server, style, now, qr } = options
  const address = addressText(code.verificationUri)
  const complete = code.verificationUriComplete === undefined ? undefined : addressText(code.verificationUriComplete)
  const scanned = qr === undefined ? [] : await qrLines(complete ?? address, qr)
  return [
    `To log in to ${displayText(server, 1_000)}, open this address on any device:`,
    '',
    `  ${style.cyan(address)}`,
    '',
    'and enter this code there, or compare it:',
    '',
    ...codeLines(displayText(code.userCode, 64), style),
    '',
    ...(complete === undefined ? [] : [style.dim(`With the code in it: ${complete}`)]),
    ...(scanned.length === 0 ? [] : ['Or scan:', '', ...scanned, '']),
    style.dim(`The code works for ${durationText(code.expiresAt - now)}.`),
  ]
}

/** In a frame, so that it is not missed between lines of text, and in one piece, so that it can be copied. */
function codeLines(code: string, style: Style): readonly string[] {
  const edge = '─'.repeat(Array.from(code).length + 4)
  return [`  ┌${edge}┐`, `  │  ${style.bold(code)}  │`, `  └${edge}┘`]
}

/** A whole address, which is there to be opened, in printable ASCII. */
function addressText(uri: string): string {
  return displayText(URL.canParse(uri) ? new URL(uri).href : uri, 2_000)
}
