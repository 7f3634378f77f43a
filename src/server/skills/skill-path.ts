/** Longest path of a file, in characters: its URI is at most nine times as long. */
const MAX_SKILL_PATH_LENGTH = 1024

/**
 * What is wrong with the path of a file of a skill; undefined when nothing is. Hosts write skills to their disks, under whatever system they run:
 * a path that would lead out of its directory on any of them is refused.
 */
export function findPathProblem(path: string): string | undefined {
  if (path.length > MAX_SKILL_PATH_LENGTH) return `is longer than ${MAX_SKILL_PATH_LENGTH} characters`
  if (/[\p{Cc}\p{Surrogate}\\]/u.test(path)) return 'holds a backslash, a control character or half a character'
  const segments = path.split('/')
  if (segments.includes('')) return 'begins or ends with a slash, or has two in a row'
  return segments.includes('.') || segments.includes('..') ? 'has a segment that is . or ..' : undefined
}

/** The URI of a file or directory of a skill. Each segment is percent-encoded, so that two paths never have one URI. */
export function toSkillUri(path: string): string {
  return `skill://${path.split('/').map(encodeURIComponent).join('/')}`
}

/** The directory that a path lies in; empty at the top. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** The last segment of a path. */
export function lastSegmentOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
