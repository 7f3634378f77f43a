import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CommandResult, runLatchkey } from './command.ts'
import { answer, type Leg, requestParameters } from './leg.ts'
import { legWords, type Purpose, STRANGER } from './leg-words.ts'
import type { FinalPage } from './scripted-user.ts'
import type { Timeline } from './timeline.ts'

/** What a story is told with. */
export interface Stage {
  readonly mcpUrl: string
  readonly issuer: string
  readonly accessTokenSeconds: number
  readonly timeline: Timeline
  /** Every exchange so far, oldest first. */
  readonly legs: readonly Leg[]
  readonly env: Readonly<Record<string, string>>
  /** File in which the scripted person's browser writes its last page. */
  readonly browserLog: string
  /** Collects what the command line printed, unshortened. */
  readonly transcript: string[]
  readonly signal: AbortSignal
}

/** What was looked for, and whether it was seen. */
export interface Check {
  readonly text: string
  readonly passed: boolean
}

/** Lives through a login from its first day to its last, and checks on the wire that each thing really happened. */
export async function tellStory(stage: Stage): Promise<readonly Check[]> {
  const checks: Check[] = []
  const check = (text: string, passed: boolean): void => {
    checks.push({ text, passed })
    stage.timeline.check(passed, text)
  }
  for (const chapter of [
    logIn,
    listTools,
    callTool,
    refresh,
    refuseStepUp,
    stepUp,
    showStatus,
    logOut,
    callLoggedOut,
  ]) {
    stage.signal.throwIfAborted()
    await chapter(stage, check)
    if (!checks.every(({ passed }) => passed)) {
      stage.timeline.note('the story ends here: what follows would need what is missing')
      return checks
    }
  }
  checkSecrets(stage, check)
  return checks
}

type Report = (text: string, passed: boolean) => void

async function logIn(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('Log in', 'Nothing is known but the URL. Latchkey finds out the rest and asks the person once.')
  const { legs, exitCode } = await run(stage, 'login')
  quoteBrowser(stage)
  const of = by(legs)
  const metadata = of('discovery')
  check(
    'discovery: protected resource metadata, then authorization server metadata',
    metadata.some(leg => answer(leg)['resource'] === stage.mcpUrl) &&
      metadata.some(leg => answer(leg)['issuer'] === stage.issuer),
  )
  check(
    'registration: a native client, registered once',
    of('registration').length === 1 &&
      of('registration').every(leg => leg.status === 201 && requestParameters(leg)['application_type'] === 'native'),
  )
  check(
    'authorization: PKCE S256, state, and resource = this server',
    of('authorization').length === 1 &&
      of('authorization').every(({ url: { searchParams: query } }) => isBoundRequest(query, stage.mcpUrl)),
  )
  check(
    'redirect: code, state and iss come back',
    of('redirect').some(leg => hasAnswer(leg, stage.issuer)),
  )
  check(
    'token: code with PKCE verifier and resource, answered with access and refresh token',
    of('token').length === 1 &&
      of('token').every(
        leg =>
          Boolean(requestParameters(leg)['code_verifier']) &&
          requestParameters(leg)['resource'] === stage.mcpUrl &&
          Boolean(answer(leg)['access_token'] && answer(leg)['refresh_token']),
      ),
  )
  check('the command ended with 0', exitCode === 0)
}

async function listTools(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('See what the server offers', 'Another process, the same login: nobody is asked.')
  const { legs, exitCode, stdout } = await run(stage, 'tools')
  check('both tools are listed', exitCode === 0 && stdout.includes('list_notes') && stdout.includes('add_note'))
  check('nobody was asked', by(legs)('authorization').length === 0)
}

async function callTool(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('Call a tool', 'The access token was made for this server alone.')
  const { legs, exitCode, stdout } = await run(stage, 'call', 'list_notes')
  check('call: the server answered', exitCode === 0 && stdout.includes('Otters') && wasCalled(legs))
}

async function refresh(stage: Stage, check: Report): Promise<void> {
  const { timeline, accessTokenSeconds } = stage
  timeline.step(
    'Stay logged in',
    `Access tokens live ${accessTokenSeconds} seconds here. The next call comes after that.`,
  )
  timeline.note(`waiting ${accessTokenSeconds + 1} seconds …`)
  await sleep((accessTokenSeconds + 1) * 1000, undefined, { signal: stage.signal })
  const before = lastRefreshToken(stage.legs)
  const { legs, exitCode, stdout } = await run(stage, 'call', 'list_notes')
  const refreshes = by(legs)('refresh')
  check('the call was answered all the same', exitCode === 0 && stdout.includes('Otters') && wasCalled(legs))
  check(
    'refresh: one, with the refresh token from the login and the resource',
    refreshes.length === 1 &&
      refreshes.every(
        leg =>
          requestParameters(leg)['refresh_token'] === before && requestParameters(leg)['resource'] === stage.mcpUrl,
      ),
  )
  check(
    'rotation: the answer brought another refresh token, which replaces the spent one',
    refreshes.length === 1 && typeof lastRefreshToken(legs) === 'string' && lastRefreshToken(legs) !== before,
  )
  check('nobody was asked', by(legs)('authorization').length === 0)
}

async function refuseStepUp(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step(
    'Ask for more than was granted',
    'Writing needs notes:write. A script does not get a browser in its face.',
  )
  const { legs, exitCode } = await run(stage, 'call', 'add_note', 'text=Rivers are patient.')
  check('the command ended with 3: a person is needed', exitCode === 3)
  check('no browser was opened', by(legs)('authorization').length === 0)
}

async function stepUp(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step(
    'Step up',
    'With --login the person may be asked: for what was granted and what is needed, together.',
  )
  const { legs, exitCode, stdout } = await run(stage, 'call', 'add_note', 'text=Rivers are patient.', '--login')
  quoteBrowser(stage)
  const of = by(legs)
  const scope = of('authorization').map(leg => leg.url.searchParams.get('scope')?.split(' ') ?? [])
  check(
    'challenge: 403 insufficient_scope for notes:write',
    of('challenge').some(
      leg => leg.status === 403 && /notes:write/.test(leg.responseHeaders.get('www-authenticate') ?? ''),
    ),
  )
  check(
    'step-up: one authorization, for the union notes:read notes:write',
    scope.length === 1 && ['notes:read', 'notes:write'].every(wanted => scope[0]?.includes(wanted)),
  )
  check('the client is still the one that registered', of('registration').length === 0)
  check('the call was repeated and answered', exitCode === 0 && stdout.includes('Added note 2') && wasCalled(legs))
}

async function showStatus(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('Look at the login', 'From the store alone: no request is made.')
  const { legs, exitCode, stdout } = await run(stage, 'status')
  check(
    'it is shown, with both scopes',
    exitCode === 0 && stdout.includes('notes:read') && stdout.includes('notes:write'),
  )
  check('no request was made', legs.length === 0)
}

async function logOut(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('Log out', 'Forgetting is not enough: the tokens are revoked first.')
  const last = lastRefreshToken(stage.legs)
  const { legs, exitCode } = await run(stage, 'logout')
  const [revocation] = by(legs)('revocation').filter(leg => requestParameters(leg)['token'] === last)
  check('revocation: of the refresh token in use', exitCode === 0 && revocation?.status === 200)

  const { client_id: clientId = '' } = revocation ? requestParameters(revocation) : {}
  stage.timeline.note('somebody who kept a copy of the refresh token tries it:')
  const replay = await fetch(`${stage.issuer}/token`, {
    method: 'POST',
    headers: { 'user-agent': STRANGER },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: last ?? '', client_id: clientId }),
  })
  check('the authorization server knows it no more', JSON.stringify(await replay.json()).includes('invalid_grant'))
}

async function callLoggedOut(stage: Stage, check: Report): Promise<void> {
  stage.timeline.step('Call again', 'What a script sees when there is no login.')
  const { legs, exitCode } = await run(stage, 'call', 'list_notes')
  check('the command ended with 3: a login is needed', exitCode === 3)
  check('no browser was opened', by(legs)('authorization').length === 0)
}

/** Nothing secret that went over the wire may be on the screen. */
function checkSecrets({ legs, timeline, transcript }: Stage, check: Report): void {
  const secrets = legs.flatMap(leg => {
    const { code, code_verifier: verifier } = requestParameters(leg)
    return [code, verifier, answer(leg)['access_token'], answer(leg)['refresh_token']]
  })
  const known = secrets.filter(secret => typeof secret === 'string')
  const printed = [timeline.printed(), ...transcript].join('\n')
  timeline.note('')
  check(
    `none of the ${known.length} tokens, codes and verifiers seen was printed by anyone`,
    known.length > 0 && known.every(secret => !printed.includes(secret)),
  )
}

type RunResult = CommandResult & { readonly legs: readonly Leg[] }

async function run(
  { mcpUrl, legs, timeline, transcript, env, signal }: Stage,
  verb: string,
  ...rest: string[]
): Promise<RunResult> {
  const from = legs.length
  timeline.command(`latchkey ${[verb, mcpUrl, ...rest.map(quoted)].join(' ')}`)
  const result = await runLatchkey([verb, mcpUrl, ...rest], { env, signal })
  transcript.push(result.stdout, result.stderr)
  // The whole authorization URL is for the person at that terminal; its parts are in the timeline.
  if (result.stderr) timeline.quote('stderr', result.stderr.replaceAll(/(https?:\/\/[^\s?]+)\?\S+/g, '$1?…'))
  if (result.stdout) timeline.quote('stdout', result.stdout)
  return { ...result, legs: legs.slice(from) }
}

const quoted = (word: string): string => (/[^\w=.:/-]/.test(word) ? `'${word}'` : word)

function by(legs: readonly Leg[]): (purpose: Purpose) => readonly Leg[] {
  return purpose => legs.filter(leg => legWords(leg)?.purpose === purpose)
}

function wasCalled(legs: readonly Leg[]): boolean {
  return by(legs)('call').some(leg => leg.status === 200 && requestParameters(leg)['method'] === 'tools/call')
}

function isBoundRequest(query: URLSearchParams, resource: string): boolean {
  const has = (name: string): boolean => Boolean(query.get(name))
  return (
    query.get('code_challenge_method') === 'S256' &&
    has('code_challenge') &&
    has('state') &&
    query.get('resource') === resource
  )
}

function hasAnswer(leg: Leg, issuer: string): boolean {
  const { searchParams } = new URL(leg.responseHeaders.get('location') ?? '', leg.url)
  return searchParams.has('code') && searchParams.has('state') && searchParams.get('iss') === issuer
}

function lastRefreshToken(legs: readonly Leg[]): string | undefined {
  const tokens = legs.map(leg => answer(leg)['refresh_token']).filter(token => typeof token === 'string')
  return tokens.at(-1)
}

/** Shows the page on which the person's browser came to rest. */
function quoteBrowser({ browserLog, timeline }: Stage): void {
  try {
    const page = JSON.parse(readFileSync(browserLog, 'utf8').trimEnd().split('\n').at(-1) ?? '{}') as FinalPage
    const body = page.body.replace(/<(style|title)>[\s\S]*?<\/\1>/g, '').replace(/<[^>]+>/g, ' ')
    timeline.quote('browser', body.replace(/\s+/g, ' ').trim())
    rmSync(browserLog)
  } catch {
    timeline.quote('browser', '(no page was shown)')
  }
}
