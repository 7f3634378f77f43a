// Completes package-lock.json with the packages of other platforms, where the registry at hand did not serve them:
// without an entry for each, `npm ci` refuses the lock. `--check` only looks.
import { readFileSync, writeFileSync } from 'node:fs'

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x']

/** What the name of a platform package says about where it runs: `cli-linux-x64-musl`. */
function platformOf(name) {
  const words = name.split(/[/.-]/)
  const system = words.find(word => SYSTEMS.includes(word)) ?? (words.includes('windows') ? 'win32' : undefined)
  const processor = words.find(word => PROCESSORS.includes(word))
  const libc = words.some(word => word.includes('musl'))
    ? 'musl'
    : words.some(word => /^gnu/.test(word))
      ? 'glibc'
      : undefined
  return {
    ...(processor && { cpu: [processor] }),
    ...(system === 'linux' && libc && { libc: [libc] }),
    ...(system && { os: [system] }),
  }
}

export function missingEntries(lock) {
  const missing = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (lock.packages[`node_modules/${name}`] || lock.packages[`${path}/node_modules/${name}`]) continue
      missing.push({ name, version, dev: entry.dev === true })
    }
  }
  return missing
}

const file = process.argv.find(argument => argument.endsWith('.json')) ?? 'package-lock.json'
const lock = JSON.parse(readFileSync(file, 'utf8'))
const missing = missingEntries(lock)
for (const { name, version } of missing) console.error(`${name}@${version} has no entry in ${file}`)
if (process.argv.includes('--check')) {
  process.exitCode = missing.length ? 1 : 0
} else if (missing.length) {
  for (const { name, version, dev } of missing) {
    lock.packages[`node_modules/${name}`] = { version, ...(dev && { dev }), optional: true, ...platformOf(name) }
  }
  const names = Object.keys(lock.packages).sort((a, b) => (a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, 'en')))
  lock.packages = Object.fromEntries(names.map(name => [name, lock.packages[name]]))
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}
