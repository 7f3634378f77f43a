import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { numberedName } from './file-name.ts'
import { OutputError } from './output-error.ts'

/** How many numbered names are tried. */
const MAX_NUMBER = 10_000

/** Whether `path` is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

/** Whether there is anything at `path`. */
export async function isTaken(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/**
 * Writes a file at exactly `path`.
 *
 * @throws {OutputError} it exists and `force` was not given, or it cannot be written
 */
export async function saveFile(path: string, data: string | Uint8Array, force: boolean): Promise<void> {
  try {
    if (!force) return await writeNew(path, data)
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
    await rm(temporary, { force: true })
    await writeNew(temporary, data)
    await rename(temporary, path)
  } catch (error) {
    throw outputError(path, error)
  }
}

/**
 * Writes a file into `folder`, which is made if need be, under `name` or the first numbered name that is free: what is there is never
 * overwritten. Resolves to its path.
 *
 * @throws {OutputError} it cannot be written
 */
export async function saveBeside(folder: string, name: string, data: Uint8Array): Promise<string> {
  try {
    await mkdir(folder, { recursive: true })
    for (let number = 1; ; number++) {
      const path = join(folder, numberedName(name, number))
      try {
        await writeNew(path, data)
        return path
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || number === MAX_NUMBER) throw error
      }
    }
  } catch (error) {
    throw outputError(join(folder, name), error)
  }
}

/** Follows no link and never opens what exists. What could not be written whole is taken away again. */
async function writeNew(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(data)
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function outputError(path: string, cause: unknown): OutputError {
  const code = codeOf(cause)
  if (code === 'EEXIST') return new OutputError(`${path} exists already`, { cause, hint: '--force overwrites it' })
  const why = code === 'ENOSPC' ? 'the disk is full' : code === 'EACCES' ? 'permission denied' : (code ?? 'it failed')
  return new OutputError(`${path} cannot be written: ${why}`, { cause })
}
