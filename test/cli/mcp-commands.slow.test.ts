import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Run, type RunOptions, runInProcess } from './world.ts'

const EVERYTHING = `node "${resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')}"`
const ASKING = `node "${resolve('test/cli/asking-server.mjs')}"`
const json = (run: Run): any => JSON.parse(run.stdout)

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'latchkey-cli-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const run = (args: readonly string[], options: RunOptions = {}): Promise<Run> => {
  const env = { LATCHKEY_HOME: join(home, 'state'), NO_COLOR: '1', TERM: 'xterm', BROWSER: 'true', ...options.env }
  return runInProcess(args, { cwd: home, ...options, env }, Date.now)
}

/** A person at a terminal, who types each line when its prompt is seen. */
function typing(...answers: readonly (readonly [prompt: RegExp, line: string])[]): RunOptions & { asked(): number } {
  const stdin = new PassThrough()
  let seen = ''
  let next = 0
  return {
    tty: true,
    stdin,
    asked: () => next,
    onStderr: text => {
      seen += text
      const answer = answers[next]
      if (!answer?.[0].test(seen)) return
      seen = ''
      next++
      stdin.write(`${answer[1]}\n`)
    },
  }
}

describe('a server that --stdio starts', () => {
  it('is listed: tools, resources, templates and prompts, for people and as the result objects', async () => {
    const names = async (...args: string[]): Promise<any> => json(await run([...args, '--stdio', EVERYTHING, '--json']))
    expect((await names('tools')).tools.map(({ name }: any) => name)).toContain('trigger-elicitation-request')
    expect((await names('resources')).resources[0]).toMatchObject({ uri: expect.stringContaining('demo://') })
    expect((await names('resources', '--templates')).resourceTemplates).toHaveLength(2)
    expect((await names('prompts')).prompts.map(({ name }: any) => name)).toContain('args-prompt')
    const resources = await run(['resources', '--stdio', EVERYTHING])
    expect(resources.stdout).toContain('demo://resource/static/document/structure.md\n')
    expect(resources.stdout).toContain('demo://resource/dynamic/text/{resourceId}\n')
    expect((await run(['prompts', '--stdio', EVERYTHING])).stdout).toMatch(
      /^args-prompt\n.*\n +city +\* {2}Name of the city$/m,
    )
  })

  it('without prompts has an empty list of them, and says so', async () => {
    expect(json(await run(['prompts', '--stdio', ASKING, '--json']))).toEqual({ prompts: [] })
    expect(await run(['prompts', '--stdio', ASKING])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: 'This server offers no prompts.\n',
    })
  })

  it('is called; bytes become a file', async () => {
    expect(await run(['call', '--stdio', EVERYTHING, 'get-sum', 'a=2', 'b=3'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('5'),
      stderr: '',
    })
    const image = await run(['call', '--stdio', EVERYTHING, 'get-tiny-image', '--output', 'pictures'])
    expect(image.stderr).toMatch(/^✓ image \(image\/png, .*\): saved as pictures\/get-tiny-image\.png\n$/)
    expect((await readFile(join(home, 'pictures/get-tiny-image.png'))).subarray(1, 4).toString()).toBe('PNG')
  })

  it('fills in prompts, and refuses names and arguments it does not know', async () => {
    const filled = await run(['prompt', '--stdio', EVERYTHING, 'args-prompt', 'city=Oslo'])
    expect(filled).toMatchObject({ exitCode: 0, stdout: "user:\nWhat's weather in Oslo?\n" })
    const result = json(await run(['prompt', '--stdio', EVERYTHING, 'args-prompt', 'city=Oslo', '--json']))
    expect(result.messages[0].role).toBe('user')
    for (const [words, message] of [
      [['arg-prompt'], /no prompt “arg-prompt”; did you mean “args-prompt”/],
      [['args-prompt'], /missing argument: city/],
      [['args-prompt', 'town=Oslo'], /this prompt has no argument “town”/],
    ] as const) {
      const refused = await run(['prompt', '--stdio', EVERYTHING, ...words])
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) })
    }
  })

  it('gets the variables that --env names, and no other', async () => {
    const env = { LATCHKEY_TEST_KEY: 'canary' }
    const call = ['call', '--stdio', ASKING, 'env', 'name=LATCHKEY_TEST_KEY']
    expect((await run(call, { env })).stdout).toBe('unset\n')
    expect((await run([...call, '--env', 'LATCHKEY_TEST_KEY'], { env })).stdout).toBe('canary\n')
    expect(await run([...call, '--env', 'LATCHKEY_NO_SUCH'])).toMatchObject({ exitCode: 2 })
  })

  it('that does not exist, or ends at once, is said so', async () => {
    expect(await run(['tools', '--stdio', 'latchkey-no-such-program', '--json'])).toMatchObject({ exitCode: 2 })
    const ended = await run(['tools', '--stdio', `node -e "console.error('no licence'); process.exit(3)"`])
    expect(ended).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('no licence') })
  })

  it('is heard with --verbose only', async () => {
    const quiet = await run(['call', '--stdio', EVERYTHING, 'echo', 'message=hi'])
    expect(quiet).toMatchObject({ stdout: 'Echo: hi\n', stderr: '' })
    const verbose = await run(['call', '--stdio', EVERYTHING, 'echo', 'message=hi', '--verbose'])
    expect(verbose.stderr).toContain('· stderr: Starting default (STDIO) server')
  })
})

describe('read', () => {
  const read = (...args: string[]): Promise<Run> => run(['read', '--stdio', ASKING, ...args])

  it('prints text and bytes exactly into a pipe', async () => {
    expect((await read('asking://text')).stdout).toBe('no line break at the end \u001b[31m')
    expect(Buffer.from((await read('asking://bytes')).stdout, 'latin1')).toEqual(Buffer.from([0, 255, 10, 13]))
    expect(await readdir(home)).toEqual(['state'])
    expect(json(await read('asking://bytes', '--json')).contents[0]).toMatchObject({ blob: 'AP8KDQ==' })
  })

  it('on a terminal drives nothing with text, and saves bytes instead of printing them', async () => {
    expect((await run(['read', '--stdio', ASKING, 'asking://text'], { tty: true })).stdout).toBe(
      'no line break at the end [31m\n',
    )
    const bytes = await run(['read', '--stdio', ASKING, 'asking://bytes'], { tty: true })
    expect(bytes.stdout).toBe('')
    expect(bytes.stderr).toContain('resource asking://bytes (image/png, 4 bytes): saved as bytes.png')
  })

  it('--output writes a file, never over another one unless --force', async () => {
    expect(await read('asking://bytes', '--output', 'a.png')).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await readFile(join(home, 'a.png'))).toEqual(Buffer.from([0, 255, 10, 13]))
    expect(await read('asking://text', '--output', 'a.png')).toMatchObject({ exitCode: 2 })
    expect(await read('asking://text', '--output', 'a.png', '--force')).toMatchObject({ exitCode: 0 })
    expect(await readFile(join(home, 'a.png'), 'utf8')).toMatch(/^no line/)
    expect((await read('asking://bytes', '--output', 'folder/')).stderr).toContain('saved as folder/bytes.png')
  })

  it('an unknown resource is an error of the server', async () => {
    expect(await read('asking://nothing')).toMatchObject({ exitCode: 5, stdout: '' })
  })
})

describe('what a server asks', () => {
  const form = ['call', '--stdio', EVERYTHING, 'trigger-elicitation-request']
  const remove = ['call', '--stdio', ASKING, 'delete', 'path=a.txt']

  it.each([
    ['while it answers (handshake)', form, /Please provide inputs.*--answer name=<text>/s],
    ['before it answers (stateless)', remove, /Delete a\.txt\?.*--answer yes=<y or n>/s],
  ])('%s exits with 3 where nobody can be asked, and says what was asked', async (_name, args, asked) => {
    const refused = await run([...args, '--json'])
    expect(refused.exitCode).toBe(3)
    expect(json(refused).error.code).toBe('input_required')
    expect(refused.stderr).toMatch(asked)
  })

  it('is answered by --answer without a terminal', async () => {
    expect((await run([...remove, '--answer', 'yes=y'])).stdout).toBe('a.txt: {"yes":true}\n')
    const { stdout } = await run([...form, '--answer', 'name=Ada', '--answer', 'legacyTitledEnum=Dogs'])
    expect(stdout).toContain('"name": "Ada"')
    expect(stdout).toContain('"legacyTitledEnum": "pet-2"')
    expect(await run([...form, '--answer', 'integer=1000'])).toMatchObject({ exitCode: 2 })
  })

  it('becomes a prompt on a terminal', async () => {
    const person = typing([/yes › $/, 'perhaps'], [/should be y or n\n.*yes › $/s, 'y'], [/Send this to .*› $/, ''])
    const answered = await run(remove, person)
    expect(answered.stderr).toContain('? node asking-server.mjs asks:\n  │ Delete a.txt?\n')
    expect(answered).toMatchObject({ exitCode: 0, stdout: 'a.txt: {"yes":true}\n' })
    expect(person.asked()).toBe(3)
  })

  it('can be declined and cancelled, and the server hears which', async () => {
    expect((await run(form, typing([/String › $/, ':decline']))).stdout).toContain('"action": "decline"')
    const stdin = new PassThrough()
    const cancelled = await run(form, {
      tty: true,
      stdin,
      onStderr: text => void (text.includes('String ›') && stdin.end()),
    })
    expect(cancelled.stdout).toContain('"action": "cancel"')
  })

  it('a page that has to be opened first is shown, opened when the person agrees, and the call is made again', async () => {
    const args = ['call', '--stdio', EVERYTHING, 'trigger-url-elicitation', 'url=https://h.example/x', 'errorPath=true']
    const person = typing([/\(y\/n\) › $/, 'y'], [/Press Enter/, ''], [/https:\/\/h\.example\/x\n.*\(y\/n\) › $/s, 'n'])
    const opened = await run(args, person)
    expect(opened).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('User declined to open the URL') })
    expect(person.asked()).toBe(3)
    expect(await run(args)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('https://modelcontextprotocol.io'),
    })
  })

  it('an interruption at a prompt ends the command', async () => {
    const controller = new AbortController()
    const onStderr = (text: string): void => void (text.includes('String ›') && controller.abort())
    const stopped = await run(form, { tty: true, stdin: new PassThrough(), signal: controller.signal, onStderr })
    expect(stopped.exitCode).toBe(130)
  })
})

describe('progress', () => {
  it('is a bar on a terminal, and no bar in a log', async () => {
    const args = ['call', '--stdio', EVERYTHING, 'trigger-long-running-operation', 'duration=1.6', 'steps=4']
    expect((await run(args, { tty: true })).stderr).toMatch(/\[█{5,}░+\] {2}\d\d % Calling/)
    const plain = await run(args)
    for (const mark of ['█', '\u001b']) expect(plain.stderr).not.toContain(mark)
  })
})
