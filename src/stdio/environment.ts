const POSIX_NAMES = ['HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER']

const WINDOWS_NAMES = [
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
]

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The variables of this process that a server gets without being asked for: what programs need to run and to find the user's files. A server
 * is somebody else's program: the keys and tokens in the environment of its host are not for it. Values that are shell functions
 * are left out.
 */
export function safeEnvironment(all: Environment, platform: NodeJS.Platform): Record<string, string> {
  const names: ReadonlySet<string> = new Set(platform === 'win32' ? WINDOWS_NAMES : POSIX_NAMES)
  const isSafe = (name: string): boolean => names.has(platform === 'win32' ? name.toUpperCase() : name)
  return Object.fromEntries(
    Object.entries(all).filter(
      (entry): entry is [string, string] => isSafe(entry[0]) && entry[1] !== undefined && !entry[1].startsWith('()'),
    ),
  )
}

/** Reads a variable whatever the case of its name, as Windows does. */
export function readVariable(environment: Environment, name: string): string | undefined {
  return Object.entries(environment).find(([key]) => key.toUpperCase() === name)?.[1]
}

const SECRET_NAME = /key|token|secret|passw|credential|auth/i

/** The values that look like secrets by their names: in variables, in `--token VALUE` and in `--token=VALUE`. */
export function secretsIn(variables: Environment, args: readonly string[]): readonly string[] {
  const fromArguments = args.flatMap((argument, index) => {
    const [flag = '', ...rest] = argument.split('=')
    if (!flag.startsWith('-') || !SECRET_NAME.test(flag)) return []
    return rest.length > 0 ? [rest.join('=')] : [args[index + 1]]
  })
  const fromVariables = Object.entries(variables).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value] : []))
  return [...fromArguments, ...fromVariables].filter(value => value !== undefined)
}
