import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes sure that what a folder's lockfile names is installed. Takes as long as the registry does. @throws what npm says */
export function installLocked(folder: string, what: string): void {
  execFileSync(process.execPath, ['scripts/install-locked.mjs', folder, what], { stdio: 'inherit' })
}

/** A home for programs that keep files in it, and what they need of the environment. */
export function temporaryHome(): { readonly env: Record<string, string>; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-home-'))
  return {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, USERPROFILE: folder },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
