import type { SchemaIssue, SchemaVerdict } from './schema.ts'

/** More issues than a model can make use of are not told. */
export const MAX_ISSUES = 10
const MAX_PATH_LENGTH = 200
const MAX_NAME_LENGTH = 80
const MAX_MESSAGE_LENGTH = 300
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu
const PLAIN_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$-]*$/u

/** Makes an issue of text that the client may have written: control characters are stripped, and both parts are cut. */
export function schemaIssue(path: readonly (string | number | symbol)[], message: string): SchemaIssue {
  return { path: cut(pathText(path), MAX_PATH_LENGTH), message: cut(message, MAX_MESSAGE_LENGTH) }
}

/** A verdict of one issue on the value as a whole. */
export function refusal(message: string): SchemaVerdict {
  return { ok: false, issues: [schemaIssue([], message)] }
}

/** A member's name as it may stand in a message. */
export function nameText(name: string): string {
  return PLAIN_NAME.test(name) && name.length <= MAX_NAME_LENGTH ? name : JSON.stringify(cut(name, MAX_NAME_LENGTH))
}

function pathText(path: readonly (string | number | symbol)[]): string {
  let text = ''
  for (const step of path) {
    if (text.length > MAX_PATH_LENGTH) break
    if (typeof step === 'number') text += `[${step}]`
    else {
      const name = nameText(String(step))
      text += name.startsWith('"') ? `[${name}]` : text === '' ? name : `.${name}`
    }
  }
  return text
}

function cut(text: string, max: number): string {
  const clean = text.slice(0, max + 1).replace(UNPRINTABLE, ' ')
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean
}
