import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts'
import type { Leg } from './leg.ts'
import { NOTES_SCOPES, type NotesServer, startNotesServer } from './notes-server.ts'
import { tellStory } from './story.ts'
import { createTimeline, type Timeline } from './timeline.ts'

/** Short, so that a silent refresh can be watched without a long wait. */
const STORY_TOKEN_SECONDS = 6
const OPEN_TOKEN_SECONDS = 60

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

const unknown = process.argv.slice(2).filter(argument => argument !== '--open')
if (unknown.length > 0) {
  console.error(`usage: npm run demo [-- --open]\n\n  --open  leaves the servers running for a person with a browser`)
  process.exitCode = 2
} else {
  process.exitCode = await main(process.argv.includes('--open'))
}

async function main(open: boolean): Promise<number> {
  const started = Date.now()
  const timeline = createTimeline(process.stdout)
  const legs: Leg[] = []
  const accessTokenSeconds = open ? OPEN_TOKEN_SECONDS : STORY_TOKEN_SECONDS
  const home = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
  let ready = false
  const record = (leg: Leg): void => {
    if (!ready) return
    legs.push(leg)
    timeline.leg(leg)
  }
  let authorizationServer: AuthorizationServer | undefined
  let notes: NotesServer | undefined
  try {
    authorizationServer = await startAuthorizationServer({ scopes: NOTES_SCOPES, accessTokenSeconds, record })
    notes = await startNotesServer({ issuer: authorizationServer.issuer, record })
    ready = true
    timeline.title('Latchkey: one login, from its first day to its last', [
      ['protected MCP server', notes.mcpUrl],
      ['authorization server', `${authorizationServer.issuer}       oidc-provider, certified`],
    ])
    if (open) {
      await invite(timeline, notes.mcpUrl)
      return 0
    }
    const browserLog = join(home, 'browser.log')
    const checks = await tellStory({
      mcpUrl: notes.mcpUrl,
      issuer: authorizationServer.issuer,
      accessTokenSeconds,
      timeline,
      legs,
      browserLog,
      transcript: [],
      signal: interrupted.signal,
      env: {
        LATCHKEY_HOME: home,
        LATCHKEY_STORE: 'file',
        BROWSER: fileURLToPath(new URL('../bin/approve.mjs', import.meta.url)),
        DEMO_BROWSER_LOG: browserLog,
        NO_COLOR: '1',
      },
    })
    const missed = checks.filter(({ passed }) => !passed)
    const seconds = ((Date.now() - started) / 1000).toFixed(0)
    console.log(`\n${checks.length - missed.length} of ${checks.length} things seen on the wire, in ${seconds} s`)
    for (const { text } of missed) console.log(`  not seen: ${text}`)
    return missed.length === 0 ? 0 : 1
  } catch (error) {
    if (interrupted.signal.aborted) return 130
    console.error(error)
    return 1
  } finally {
    await Promise.all([notes?.close(), authorizationServer?.close()])
    rmSync(home, { recursive: true, force: true })
  }
}

/** Says what to type, and shows what happens until Ctrl-C. */
async function invite(timeline: Timeline, mcpUrl: string): Promise<void> {
  timeline.step('Your turn', 'In another terminal, in this folder. Any name and password will do on the login page.')
  for (const command of ['login', 'tools', 'call', 'call', 'status', 'logout'].entries()) {
    const [index, verb] = command
    const rest = index === 2 ? ' list_notes' : index === 3 ? ` add_note text='Rivers are patient.' --login` : ''
    timeline.command(`npx latchkey ${verb} ${mcpUrl}${rest}`)
  }
  timeline.note(`access tokens live ${OPEN_TOKEN_SECONDS} seconds: a call after that shows a silent refresh`)
  timeline.note('what goes over the wire is shown below; Ctrl-C ends it')
  timeline.note('')
  // The servers alone would keep the process alive; the promise ends with the signal.
  await new Promise<void>(resolve => {
    if (interrupted.signal.aborted) resolve()
    interrupted.signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
