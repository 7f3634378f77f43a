import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  createMisbehavingServer,
  listen,
  type ListenOptions,
  type MisbehavingServer,
  type MisbehavingServerOptions,
} from 'latchkey/testing'
import { vi } from 'vitest'
import { runCommandLine } from '../../cli/src/command-line.ts'
import type { Output } from '../../cli/src/io.ts'

/** What one run of the command line left behind. */
export interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: Readable
  /** Pretends to be a terminal. */
  readonly tty?: boolean
  readonly signal?: AbortSignal
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** The current folder. Default: a folder of its own, for runs of a world. */
  readonly cwd?: string
  /** Told of every piece of stderr. */
  readonly onStderr?: (text: string) => void
}

/** A misbehaving server on a real socket, a home of its own, and a browser that approves. */
export interface World extends AsyncDisposable {
  readonly server: MisbehavingServer
  readonly url: string
  /** Where it really listens. */
  readonly port: number
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  /** The time, for the server and for runs in this process. */
  readonly clock: { now: () => number }
  /** Runs the command line in this process. */
  run(args: readonly string[], options?: RunOptions): Promise<Run>
  /** Every secret the server knows that occurs in `texts`. */
  leaked(...texts: readonly string[]): readonly string[]
}

const ANSWERS: Readonly<Record<string, unknown>> = {
  sum: { content: [{ type: 'text', text: 'three' }], structuredContent: { sum: 3 } },
  fail: { content: [{ type: 'text', text: 'it broke \u001b[31m' }], isError: true },
  picture: { content: [{ type: 'image', mimeType: 'image/png', data: 'AAAA' }] },
}

const DETAILS: Readonly<Record<string, unknown>> = {
  sum: {
    description: 'Adds numbers',
    inputSchema: {
      type: 'object',
      properties: {
        a: { type: 'number', description: 'First' },
        b: { type: 'number' },
        note: { type: ['string', 'null'] },
      },
      required: ['a'],
    },
  },
}

/** Hands the URL to the test, which visits it: starting a whole runtime for each login would take most of the time. */
const BROWSER = `#!/bin/sh
printf '%s' "$1" > "$0.tmp" && mv "$0.tmp" "$0.$$.url"
`

/** Visits every URL that the browser was started with. */
function visitOpenedUrls(folder: string, signal: AbortSignal, visitWith: typeof globalThis.fetch): void {
  const watcher = watch(folder, { signal })
  const visit = async (): Promise<void> => {
    for await (const { filename } of watcher) {
      if (!filename?.endsWith('.url')) continue
      const path = join(folder, filename)
      const url = await readFile(path, 'utf8').catch(() => '')
      if (url === '') continue
      await rm(path)
      // Each in a window of its own. The page tells the person; the test looks at what the command line makes of it.
      void visitWith(url, { signal }).catch(() => undefined)
    }
  }
  visit().catch(() => undefined)
}

/** Where the world is, when not at an address of this machine. */
export interface WorldNetwork {
  readonly tls: NonNullable<ListenOptions['tls']>
  /** The browser's way to it. */
  readonly visitWith: typeof globalThis.fetch
}

export async function createWorld(options: MisbehavingServerOptions = {}, network?: WorldNetwork): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'latchkey-cli-'))
  const browser = join(home, 'browser', 'open')
  await mkdir(join(home, 'browser'))
  await mkdir(join(home, 'work'))
  await writeFile(browser, BROWSER, { mode: 0o755 })
  const over = new AbortController()
  visitOpenedUrls(join(home, 'browser'), over.signal, network?.visitWith ?? fetch)
  const clock = { now: Date.now }
  const hosted: { server?: MisbehavingServer } = {}
  const listener = await listen(async request => {
    if (!hosted.server) throw new Error('not yet')
    return withDetails(request.clone(), await hosted.server.handle(request))
  }, network)
  const server = createMisbehavingServer({
    issuers: [listener.url, `${listener.url}/two`],
    mcpUrl: `${listener.url}/mcp`,
    tools: { echo: undefined, sum: undefined, fail: undefined, picture: undefined, admin: 'files:admin' },
    now: () => clock.now(),
    ...options,
  })
  hosted.server = server
  const env = {
    LATCHKEY_HOME: join(home, 'state'),
    LATCHKEY_STORE: 'file',
    BROWSER: browser,
    NO_COLOR: '1',
    TERM: 'xterm',
    PATH: process.env['PATH'] ?? '',
  }
  return {
    server,
    url: server.mcpUrl,
    port: listener.port,
    home,
    env,
    clock,
    run: (args, runOptions) =>
      runInProcess(args, { cwd: join(home, 'work'), ...runOptions, env: { ...env, ...runOptions?.env } }, () =>
        clock.now(),
      ),
    leaked: (...texts) => server.secrets().filter(secret => texts.some(text => text.includes(secret))),
    async [Symbol.asyncDispose]() {
      over.abort()
      await listener.close()
      // An aborted login may still be putting its record in order.
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

async function withDetails(request: Request, response: Response): Promise<Response> {
  if (response.status !== 200 || !request.url.endsWith('/mcp') || request.method !== 'POST') return response
  const { method, params } = (await request.json()) as { method: string; params?: { name?: string } }
  if (method !== 'tools/list' && method !== 'tools/call') return response
  const answer = (await response.json()) as { result?: Record<string, unknown> }
  if (answer.result && method === 'tools/call') Object.assign(answer.result, ANSWERS[params?.name ?? ''])
  if (answer.result && method === 'tools/list') {
    const tools = answer.result['tools'] as { name: string }[]
    answer.result['tools'] = tools.map(tool => ({ ...tool, ...(DETAILS[tool.name] as object | undefined) }))
  }
  return Response.json(answer)
}

export async function runInProcess(args: readonly string[], options: RunOptions, now: () => number): Promise<Run> {
  // The library reads its own environment; both must agree.
  for (const [name, value] of Object.entries(options.env ?? {})) vi.stubEnv(name, value)
  const texts = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr'): Output => ({
    isTTY: options.tty === true,
    columns: 100,
    write: text => {
      const given = typeof text === 'string' ? text : Buffer.from(text).toString('latin1')
      texts[name] += given
      if (name === 'stderr') options.onStderr?.(given)
    },
  })
  try {
    const exitCode = await runCommandLine(args, {
      stdin: Object.assign(options.stdin ?? Readable.from([]), { isTTY: options.tty === true }),
      stdout: output('stdout'),
      stderr: output('stderr'),
      env: { ...process.env, ...options.env },
      now,
      signal: options.signal ?? new AbortController().signal,
      ...(options.sleep && { sleep: options.sleep }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    })
    return { exitCode, ...texts }
  } finally {
    vi.unstubAllEnvs()
  }
}

/** Runs the built binary as a process of its own. */
export function runBinary(
  binary: string,
  args: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly input?: string
    readonly onStart?: (child: ReturnType<typeof spawn>) => void
  },
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [binary, ...args], { env: options.env, stdio: ['pipe', 'pipe', 'pipe'] })
    const texts = { stdout: '', stderr: '' }
    child.stdout.on('data', chunk => (texts.stdout += String(chunk)))
    child.stderr.on('data', chunk => (texts.stderr += String(chunk)))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exitCode: code ?? (signal === 'SIGINT' ? -2 : -1), ...texts }))
    if (options.input !== undefined) child.stdin.end(options.input)
    options.onStart?.(child)
  })
}
