import { readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OAuthError } from '../oauth/errors.ts'
import { assertIssuerExceptions } from '../oauth/issuer-exception-check.ts'
import type { IssuerException } from '../oauth/issuer-exceptions.ts'
import { errorCode } from './private-file.ts'

const STEP = 'issuer exceptions'
const MAX_BYTES = 1_048_576
const POSIX = process.platform !== 'win32'

/**
 * The exceptions that the person of this machine keeps in `issuer-exceptions.json` of `directory` (see `dataDirectory`): an array of
 * {@link IssuerException}. Empty when there is no such file. Read synchronously, once; never written.
 *
 * The file relaxes rules that protect the person, so one that somebody else could have written is refused.
 *
 * @throws {OAuthError} `configuration` that names the file, and the member that cannot be used
 */
export function readIssuerExceptions(directory: string): readonly IssuerException[] {
  const path = join(directory, 'issuer-exceptions.json')
  const text = readText(path)
  if (text === undefined) return []
  const value = parse(text, path)
  try {
    assertIssuerExceptions(value)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    throw new OAuthError(error.code, `${path}: ${error.message}`, { ...error.detail, step: STEP }, { cause: error })
  }
  return value
}

function readText(path: string): string | undefined {
  try {
    const found = statSync(path)
    if (!found.isFile()) throw refused(path, 'is no file')
    if (found.size > MAX_BYTES) throw refused(path, `is longer than ${MAX_BYTES} bytes`)
    assertOwn(path, found, statSync(dirname(path)))
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof OAuthError) throw error
    const code = errorCode(error)
    // The file is not there, or its folder is not.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw refused(path, `cannot be read (${code ?? 'unknown error'})`)
  }
}

/** Only whoever runs this, or the administrator, may decide which rules do not hold. */
function assertOwn(path: string, file: Stats, folder: Stats): void {
  if (!POSIX) return
  if (file.uid !== 0 && file.uid !== process.getuid?.()) throw refused(path, 'belongs to another user')
  const [fileMode, folderMode] = [file.mode & 0o777, folder.mode & 0o777]
  const reached = (fileMode & 0o022) !== 0 && (folderMode & 0o077) !== 0
  if ((folderMode & 0o022) !== 0)
    throw refused(path, 'can be replaced by other users', `Run: chmod go-w '${dirname(path)}'`)
  if (reached) throw refused(path, 'can be changed by other users', `Run: chmod go-w '${path}'`)
}

function parse(text: string, path: string): readonly IssuerException[] {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/u, ''))
  } catch {
    // What the parser says quotes the file.
    throw refused(path, 'is no JSON')
  }
  if (!Array.isArray(value)) throw refused(path, 'holds no JSON array')
  const items: readonly unknown[] = value
  if (!items.every(item => typeof item === 'object' && item !== null && !Array.isArray(item))) {
    throw refused(path, 'holds something that is no object')
  }
  // Every member is checked by whoever called this.
  return items as readonly IssuerException[]
}

function refused(path: string, what: string, hint?: string): OAuthError {
  return new OAuthError('configuration', `${path} ${what}.`, {
    step: STEP,
    expected: 'a JSON array of exceptions, each with issuer, reason and since',
    hint: hint ?? 'Correct it, or remove it to go by the rules.',
  })
}
