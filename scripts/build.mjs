// Compiles the library, then the workspaces that import it. Plain tsc, unbundled.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'

const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc')
for (const [folder, config] of [
  ['dist', 'tsconfig.build.json'],
  ['cli/dist', 'cli/tsconfig.json'],
  ['demo/dist', 'demo/tsconfig.json'],
]) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true })
  execFileSync(process.execPath, [tsc, '-p', config], { cwd: new URL('..', import.meta.url), stdio: 'inherit' })
}
