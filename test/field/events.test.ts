import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { eventLine } from '../../cli/src/event-line.ts'
import type { OAuthEvent } from '../../src/oauth/events.ts'
import { createLife, deferred, failureOf } from './life.ts'

/** Every type; one that is missing here does not compile. */
const TYPES: Readonly<Record<OAuthEvent['type'], true>> = {
  http: true,
  discovered: true,
  exception: true,
  registered: true,
  loginStarted: true,
  waitingForLogin: true,
  loggedIn: true,
  adopted: true,
  refreshing: true,
  refreshed: true,
  refreshFailed: true,
  retryScheduled: true,
  stepUp: true,
  loginRequired: true,
  revoked: true,
  unregistered: true,
  loggedOut: true,
  warning: true,
}

/** First login, step-up, refresh, a failed refresh, a login elsewhere, and the end. */
async function live() {
  const life = createLife({
    registrationManagement: 'offered',
    registrationMethod: 'client_secret_basic',
    faults: { 'server-metadata': { kind: 'status', status: 503, times: 1 } },
  })
  const issuerExceptions = [{ issuer: life.server.issuer, reason: 'a trial', since: '2026-11-21' }]
  const first = life.client({ issuerExceptions })
  await first.session.login()
  expect((await first.call('admin')).status).toBe(200)
  life.expire()
  expect((await first.call('echo')).status).toBe(200)
  life.expire()
  life.server.set({ faults: { 'token:refresh_token': { kind: 'status', status: 503, times: 1 } } })
  expect(await failureOf(first.session.accessToken())).toMatchObject({ retryable: true })
  life.server.revokeEverything()
  life.clock.now += 120_000

  const held = deferred()
  const asking = life.client({ person: { beforeDecision: () => held.promise } })
  const login = asking.session.login()
  await expect.poll(() => asking.person.visits.length, { interval: 5 }).toBe(1)
  // Waiting that takes a moment, so that the one who asks gets on.
  const sleep = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))
  const waiting = life.client({ sleep })
  const waited = waiting.session.login()
  await expect.poll(() => life.issues('waitingForLogin').length, { interval: 5 }).toBe(1)
  life.server.set({ refreshToken: 'never' })
  held.release()
  expect((await waited).grantId).toBe((await login).grantId)

  const begun = await first.session.beginLogin({ redirectUri: 'http://127.0.0.1:33418/callback' })
  const { searchParams } = await life.server.approve(begun.url)
  await first.session.finishLogin(searchParams)
  await first.session.logout({ client: true })
  expect(await failureOf(life.client({ interactive: false }).call('echo'))).toMatchObject({ code: 'login_required' })
  return life
}

it('a whole life tells of every type of event, in the order of things', async () => {
  const { events } = await live()
  const types = events.map(({ type }) => type)
  expect(new Set(types)).toEqual(new Set(Object.keys(TYPES)))
  const order = (wanted: readonly OAuthEvent['type'][]): readonly number[] => wanted.map(type => types.indexOf(type))
  const first = order(['retryScheduled', 'discovered', 'exception', 'loginStarted', 'registered', 'loggedIn', 'stepUp'])
  expect(first).toEqual([...first].sort((a, b) => a - b))
  const last = order([
    'refreshing',
    'refreshed',
    'refreshFailed',
    'waitingForLogin',
    'adopted',
    'revoked',
    'unregistered',
    'loggedOut',
    'loginRequired',
  ])
  expect(last).toEqual([...last].sort((a, b) => a - b))
  expect(events.flatMap(event => (event.type === 'retryScheduled' ? [event.step] : []))).toEqual([
    'authorization server metadata',
    'refresh',
  ])
  expect(events).toContainEqual(expect.objectContaining({ type: 'http', step: 'login probe', status: 401 }))
})

it('no event holds a secret, however it is shown, and each is one line with --verbose', async () => {
  const { events, server } = await live()
  const secrets = server.secrets()
  expect(secrets.length).toBeGreaterThan(15)
  for (const event of events) {
    const line = eventLine(event)
    expect(line).toMatch(/^\P{Cc}+$/u)
    const shown = [line, JSON.stringify(event), inspect(event, { depth: 9, showHidden: true })].join('\n')
    expect(secrets.filter(secret => shown.includes(secret) || shown.includes(encodeURIComponent(secret)))).toEqual([])
  }
})

it('a listener that throws costs nothing', async () => {
  const life = createLife()
  const client = life.client({
    onEvent: () => {
      throw new Error('not my day')
    },
  })
  await client.session.login()
  life.expire()
  expect((await client.call('echo')).status).toBe(200)
})
