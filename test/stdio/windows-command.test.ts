import { describe, expect, it } from 'vitest'
import { resolveWindowsCommand } from '../../src/stdio/windows-command.ts'

const files = [
  'C:\\node\\node.exe',
  'C:\\node\\npx.cmd',
  'C:\\node\\npx',
  'C:\\work\\serve.BAT',
  'C:\\tools\\odd 100%\\x.cmd',
]
const surroundings = {
  environment: { Path: 'C:\\windows;"C:\\node";C:\\tools\\odd 100%', ComSpec: 'C:\\windows\\cmd.exe' },
  cwd: 'C:\\work',
  isFile: (path: string) => files.some(file => file.toLowerCase() === path.toLowerCase()),
}
const resolved = (command: string, ...args: string[]) => resolveWindowsCommand(command, args, surroundings)
/** What `cmd` is told to run. */
const lineOf = (command: string, ...args: string[]): string => resolved(command, ...args).args.at(-1) ?? ''

describe('commands on Windows', () => {
  it('starts a program itself, with its arguments untouched', () => {
    expect(resolved('node', 'a b', '"%PATH%"')).toEqual({
      file: 'C:\\node\\node.EXE',
      args: ['a b', '"%PATH%"'],
      verbatimArguments: false,
    })
  })

  it('finds npx.cmd for npx, not the shell script beside it, and starts it through cmd without AutoRun', () => {
    expect(resolved('npx', '-y', '@scope/server')).toEqual({
      file: 'C:\\windows\\cmd.exe',
      args: ['/e:ON', '/v:OFF', '/d', '/s', '/c', '""C:\\node\\npx.CMD" -y @scope/server"'],
      verbatimArguments: true,
    })
  })

  it('finds a batch file by a path below the working directory, and by its full name', () => {
    expect(lineOf('.\\serve')).toBe('""C:\\work\\serve.BAT""')
    expect(lineOf('npx.cmd')).toBe('""C:\\node\\npx.cmd""')
  })

  it('does not look for a bare name in the working directory: whoever writes there would choose the program', () => {
    expect(resolved('serve').file).toBe('serve')
  })

  it('leaves a name that is not found to the system', () => {
    expect(resolved('nothing', 'x')).toEqual({ file: 'nothing', args: ['x'], verbatimArguments: false })
  })

  it.each([
    ['an empty argument', '', '""'],
    ['spaces', 'a b', '"a b"'],
    ['what would start a second command', '&calc|x>y', '"&calc|x>y"'],
    ['a caret and an exclamation mark', '^!x!', '"^!x!"'],
    ['a quote, which cmd and the program both read as doubled', 'say "hi" & calc', '"say ""hi"" & calc"'],
    ['backslashes before a quote', 'a\\\\"b', '"a\\\\\\\\""b"'],
    ['a folder with a backslash at its end', 'C:\\x y\\', '"C:\\x y\\\\"'],
    ['a variable, which must stay a text', '%PATH%', '"%%cd:~,%PATH%%cd:~,%"'],
    ['what cmd takes for a space between arguments', 'a=b,c;d', '"a=b,c;d"'],
  ])('quotes %s for a batch file', (_name, argument, quoted) => {
    expect(lineOf('npx', argument)).toBe(`""C:\\node\\npx.CMD" ${quoted}"`)
  })

  it('leaves no variable in the name of the batch file either', () => {
    expect(lineOf('x')).toBe('""C:\\tools\\odd 100%%cd:~,%\\x.CMD""')
  })

  it.each(['a\nb', 'a\rb', 'a\0b'])(
    'refuses an argument with a line end, which would end the command: %j',
    argument => {
      expect(() => resolved('npx', argument)).toThrow(expect.objectContaining({ code: 'configuration' }))
    },
  )
})
