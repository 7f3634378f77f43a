import { relative, resolve } from 'node:path'
import { displayText } from 'latchkey/oauth/protocol'
import { byteSize } from './byte-size.ts'
import type { CommandContext } from './command-context.ts'
import type { MediaPart } from './content-parts.ts'
import { safeFileName } from './file-name.ts'
import { currentFolder } from './io.ts'
import { saveBeside } from './save-file.ts'

/** Files that one answer may become: a server must not fill a folder. */
export const MAX_FILES = 100

/**
 * Saves what is no text into `folder` (default: the current one) and says where. `stem` names what the server gives no name.
 *
 * @throws {OutputError} a file cannot be written
 */
export async function saveMedia(
  context: CommandContext,
  media: readonly MediaPart[],
  { folder, stem }: { readonly folder?: string | undefined; readonly stem: string },
): Promise<void> {
  const { io, terminal } = context
  const here = currentFolder(io)
  for (const { what, name, mimeType, bytes } of media.slice(0, MAX_FILES)) {
    const path = await saveBeside(resolve(here, folder ?? '.'), safeFileName(name ?? stem, mimeType), bytes)
    terminal.say(
      savedLine(terminal.style.green('✓'), `${what} (${typeText(mimeType)}, ${byteSize(bytes.length)})`, path, here),
    )
  }
  sayUnsaved(context, media.length)
  if (media.length > 0 && folder === undefined && io.stderr.isTTY === true) {
    terminal.say(terminal.style.dim('  --output FOLDER saves elsewhere, --json prints everything instead'))
  }
}

/** Says where something was saved, as one would type it from here. */
export function savedLine(mark: string, what: string, path: string, here: string): string {
  const near = relative(here, path)
  return `${mark} ${what}: saved as ${near.startsWith('..') ? path : near}`
}

function typeText(mimeType: string | undefined): string {
  return mimeType === undefined ? 'unknown type' : displayText(mimeType, 100)
}

/** Says how many of `count` files there are no room for. */
export function sayUnsaved({ terminal }: CommandContext, count: number): void {
  if (count <= MAX_FILES) return
  terminal.say(`${terminal.style.yellow('!')} ${count - MAX_FILES} more are not saved; --json prints them`)
}
