import { describe, expect, it } from 'vitest'
import { runDoctor } from './doctor-run.ts'
import { createWorld, type World } from './world.ts'

async function logIn(world: World, ...args: readonly string[]): Promise<void> {
  const run = await world.run(['login', world.url, ...args])
  expect(run.exitCode, run.stderr).toBe(0)
}

describe('doctor on a login that is stored', () => {
  it('a living one is tried, and the revisions are known then', async () => {
    await using world = await createWorld()
    await logIn(world)
    const { run, errors, warnings, diagnosis } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode], run.stdout).toEqual([[], [], 0])
    expect(diagnosis.steps).toContainEqual(expect.objectContaining({ step: 'token', received: 'accepted' }))
    expect(diagnosis.steps.at(-1)).toMatchObject({ received: 'speaks 2026-07-28 and 2025-11-25' })
  })

  it('an expired one that cannot be renewed', async () => {
    await using world = await createWorld({ refreshToken: 'never', accessTokenLifetimeS: 30 })
    await logIn(world)
    world.clock.now = () => Date.now() + 31_000
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([['login_expired'], 4])
  })

  it('field T23: a token that the server rejects', async () => {
    await using world = await createWorld({ refreshToken: 'never' })
    await logIn(world)
    world.server.rejectAccessTokens()
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([['token_rejected'], 4])
  })

  it('a refresh token that is refused, now and when it is known to be', async () => {
    await using world = await createWorld()
    await logIn(world)
    world.server.revokeEverything()
    for (const _ of ['now', 'known']) {
      const { run, errors } = await runDoctor(world, world.url)
      expect([errors, run.exitCode], run.stdout).toEqual([['refresh_refused'], 4])
    }
  })

  it('field T12: a token endpoint that cannot answer now', async () => {
    await using world = await createWorld()
    await logIn(world)
    world.server.rejectAccessTokens()
    world.server.set({ faults: { token: { kind: 'status', status: 503 } } })
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([['token_endpoint_unavailable'], 5])
  })

  it('field S3: a scope that is not held', async () => {
    await using world = await createWorld()
    await logIn(world)
    const challenge = 'Bearer error="insufficient_scope", scope="files:admin"'
    // The first two requests come without a token: the opening, and the look at CORS.
    const fault = { kind: 'status', status: 403, headers: { 'www-authenticate': challenge }, after: 2 } as const
    world.server.set({ faults: { mcp: fault } })
    const { run, errors, diagnosis } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([['insufficient_scope'], 4])
    expect(diagnosis.findings.at(-1)?.hint).toContain('files:admin')
  })

  it('field R3: a client that was registered by itself and is forgotten is replaced at the next login', async () => {
    await using world = await createWorld()
    await logIn(world)
    world.server.forgetClients()
    const { run, errors, warnings } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode], run.stdout).toEqual([[], ['client_forgotten'], 0])
  })

  it('field R3: a client that cannot be replaced is dead', async () => {
    await using world = await createWorld()
    await logIn(world)
    world.server.forgetClients()
    world.server.set({ registrationOffered: false })
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([['client_unknown'], 4])
  })

  it('field D20: a login at an authorization server that is no longer named', async () => {
    await using world = await createWorld()
    await logIn(world)
    world.server.set({ authorizationServers: [`${world.server.issuer}/two`] })
    const { errors, warnings } = await runDoctor(world, world.url)
    expect([errors, warnings]).toEqual([[], ['login_at_other_issuer']])
  })
})
