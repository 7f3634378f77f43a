import { resolve } from 'node:path'
import type { ReadResourceResult } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import { byteSize } from '../byte-size.ts'
import { callProgress } from '../call-progress.ts'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { safeFileName } from '../file-name.ts'
import { currentFolder, isInteractive } from '../io.ts'
import { printJson } from '../json-output.ts'
import { withClient } from '../open-client.ts'
import { plainText } from '../plain-text.ts'
import { isFolder, isTaken, saveBeside, saveFile } from '../save-file.ts'
import { MAX_FILES, savedLine, saveMedia, sayUnsaved } from '../save-media.ts'
import { readTarget } from '../server-target.ts'
import { UsageError } from '../usage-error.ts'

type Contents = ReadResourceResult['contents'][number]

/** The options of `latchkey read`. */
export interface ReadOptions extends CommandOptions {
  readonly output?: string
  readonly force?: boolean
}

/** `latchkey read`: prints a resource byte for byte, but never bytes to a terminal: there they become a file, as with `--output`. */
export async function read(context: CommandContext, words: readonly string[], options: ReadOptions): Promise<ExitCode> {
  const { io, terminal } = context
  const { target, operands } = readTarget(options, words, ['uri'])
  const [uri = ''] = operands
  const output = options.output === undefined ? undefined : resolve(currentFolder(io), options.output)
  const toFolder = output !== undefined && (/[\\/]$/.test(options.output ?? '') || (await isFolder(output)))
  if (output !== undefined && !toFolder && options.force !== true && (await isTaken(output))) {
    throw new UsageError(`${options.output ?? ''} exists already`, '--force overwrites it')
  }
  return withClient(context, { target, interactive: isInteractive(io) }, async (client, { signal }) => {
    const label = `Reading ${displayText(uri, 200)}`
    const result = await terminal.progress.during(label, () =>
      client.readResource(uri, { signal, ...callProgress(context, label) }),
    )
    const { contents } = result
    const [only] = contents
    if (options.json === true) printJson(io, result)
    if (output === undefined) {
      if (options.json !== true) await show(context, contents)
    } else if (toFolder || contents.length !== 1 || only === undefined) {
      for (const part of contents.slice(0, MAX_FILES)) {
        const data = bytesOf(part)
        saved(context, part, data, await saveBeside(output, fileName(part), data))
      }
      sayUnsaved(context, contents.length)
    } else {
      const data = bytesOf(only)
      await saveFile(output, data, options.force === true)
      saved(context, only, data, output)
    }
    if (contents.length === 0) terminal.say('The resource is empty.')
    return EXIT.done
  })
}

async function show(context: CommandContext, contents: readonly Contents[]): Promise<void> {
  const { io, terminal } = context
  const onTerminal = io.stdout.isTTY === true
  for (const part of contents) {
    if (contents.length > 1) terminal.say(terminal.style.dim(`── ${displayText(part.uri, 1_000)}`))
    if ('text' in part) {
      const text = onTerminal ? plainText(part.text) : part.text
      // A file is a file to the last byte; what follows on a terminal, or another part, begins a line of its own.
      io.stdout.write((onTerminal || contents.length > 1) && !text.endsWith('\n') ? `${text}\n` : text)
    } else if (onTerminal || contents.length > 1) {
      const { uri, mimeType } = part
      const what = `resource ${displayText(uri, 300)}`
      await saveMedia(context, [{ what, name: uri, mimeType, bytes: bytesOf(part) }], { stem: 'resource' })
    } else io.stdout.write(bytesOf(part))
  }
}

function saved({ io, terminal }: CommandContext, part: Contents, data: Uint8Array, path: string): void {
  const what = `${displayText(part.uri, 300)} (${byteSize(data.length)})`
  terminal.say(savedLine(terminal.style.green('✓'), what, path, currentFolder(io)))
}

function bytesOf(part: Contents): Uint8Array {
  return 'text' in part ? Buffer.from(part.text) : Buffer.from(part.blob, 'base64')
}

function fileName(part: Contents): string {
  return safeFileName(part.uri, part.mimeType, 'text' in part ? 'txt' : 'bin')
}
