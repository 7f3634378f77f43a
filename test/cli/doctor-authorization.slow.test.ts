import { describe, expect, it } from 'vitest'
import { closedPort } from '../doctor/broken-server.ts'
import { BROKEN_SET_UPS } from '../doctor/broken-set-ups.ts'
import { runDoctor } from './doctor-run.ts'
import { createWorld } from './world.ts'

describe('doctor finds what is wrong with authorization', () => {
  it.each(BROKEN_SET_UPS)('%s', async (_, switches, error, exitCode) => {
    await using world = await createWorld(switches)
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode], run.stdout).toEqual([[error], exitCode])
  })

  it('field D12: only the scheme differs', async () => {
    await using world = await createWorld()
    world.server.set({ resource: world.url.replace('http:', 'https:') })
    const { run, errors } = await runDoctor(world, world.url)
    expect([errors, run.exitCode]).toEqual([['resource_scheme_mismatch'], 4])
  })

  it('field D17: nobody listens at the authorization server', async () => {
    await using world = await createWorld({ authorizationServers: [`http://127.0.0.1:${await closedPort()}`] })
    const { run, errors, diagnosis } = await runDoctor(world, world.url)
    expect([errors, run.exitCode]).toEqual([['authorization_server_unavailable'], 5])
    expect(diagnosis.findings.at(-1)).toMatchObject({ received: expect.stringContaining('ECONNREFUSED') })
  })

  it('names the authorization server of several that is not usable, and goes on with the other', async () => {
    await using world = await createWorld()
    const dead = `http://127.0.0.1:${await closedPort()}`
    world.server.set({ authorizationServers: [dead, world.server.issuer] })
    const { run, errors, warnings } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode]).toEqual([[], ['authorization_server_skipped'], 0])
  })

  it.each([
    ['field D9: 401 without WWW-Authenticate', { challenge: 'none' }, 'challenge_missing'],
    ['field D10: 403 instead of 401', { unauthenticated: '403' }, 'challenge_is_403'],
    ['field D10: a redirect to a login page', { unauthenticated: '302' }, 'challenge_is_redirect'],
    ['only the endpoints of 2025-03-26', { resourceMetadataAt: 'nowhere', serverMetadataAt: [] }, 'legacy_endpoints'],
  ] as const)('warns, and lets people in: %s', async (_, switches, warning) => {
    await using world = await createWorld(switches)
    const { run, errors, warnings } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode], run.stdout).toEqual([[], [warning], 0])
  })

  it('warns of a clock that is off', async () => {
    await using world = await createWorld()
    world.clock.now = () => Date.now() - 300_000
    const { errors, warnings } = await runDoctor(world, world.url)
    expect([errors, warnings]).toEqual([[], ['clock_skew']])
  })

  it('registers nothing unless asked to', async () => {
    await using world = await createWorld({ registrationManagement: 'offered' })
    await runDoctor(world, world.url)
    expect(world.server.requestsTo('registration')).toHaveLength(0)
    const { run, errors } = await runDoctor(world, world.url, { args: ['--register'] })
    expect([errors, run.exitCode], run.stdout).toEqual([[], 0])
    expect(world.server.requestsTo('registration').map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })

  it.each([
    ['field R2: the registration is refused', { registration: 'refused' }, 'registration_refused'],
    [
      'the answer to a registration has a secret method and no secret',
      { registrationMethod: 'client_secret_post', registrationSecret: 'missing' },
      'registration_invalid',
    ],
  ] as const)('%s', async (_, switches, error) => {
    await using world = await createWorld(switches)
    const { run, errors } = await runDoctor(world, world.url, { args: ['--register'] })
    expect([errors, run.exitCode], run.stdout).toEqual([[error], 4])
  })
})

describe('doctor on healthy servers', () => {
  it('field D1, P5: finds no error and no warning at a protected one, and says what it saw of each URL', async () => {
    await using world = await createWorld({ serverMetadataAt: ['oidc'] })
    const { run, errors, warnings, infos, diagnosis } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode], run.stdout).toEqual([[], [], 0])
    expect(infos).toEqual(['cors_missing', 'login_needed'])
    expect(diagnosis.steps.filter(({ step }) => step === 'authorization server metadata')).toEqual([
      expect.objectContaining({
        url: expect.stringContaining('/oauth-authorization-server'),
        received: '404 text/plain',
      }),
      expect.objectContaining({
        url: expect.stringContaining('/openid-configuration'),
        received: expect.stringMatching(/^200 application\/json/),
      }),
    ])
    expect(world.server.requestsTo('token')).toHaveLength(0)
  })

  it('finds nothing at one that needs no login', async () => {
    await using world = await createWorld({ protection: 'nothing', resourceMetadataAt: 'nowhere' })
    const { run, errors, warnings, infos, diagnosis } = await runDoctor(world, world.url)
    expect([errors, warnings, run.exitCode], run.stdout).toEqual([[], [], 0])
    expect(infos).toContain('public_server')
    expect(diagnosis.steps.find(({ step }) => step === 'MCP endpoint')).toMatchObject({
      received: 'speaks 2026-07-28 and 2025-11-25',
    })
  })

  it('field X7: says that a server answers without a login and may still ask for one', async () => {
    await using world = await createWorld({ protection: 'tool-calls' })
    const { errors, warnings, infos } = await runDoctor(world, world.url)
    expect([errors, warnings]).toEqual([[], []])
    expect(infos).toContain('login_optional')
  })

  it('is for people without --json: signs with words, findings with what to do, and the trace with --verbose', async () => {
    await using world = await createWorld({ metadataIssuer: 'other-slash' })
    const run = await world.run(['doctor', world.url, '--verbose'], { tty: true })
    expect(run.exitCode).toBe(4)
    expect(run.stdout).toMatch(/^✓ ok {7}connection: connected over http$/m)
    expect(run.stdout).toMatch(/^✗ error {4}authorization server metadata.*\[issuer_trailing_slash\]$/m)
    expect(run.stdout).toMatch(/^· info {5}access from web pages \(CORS\).*\[cors_missing\]$/m)
    expect(run.stdout).toMatch(/^✓ ok {7}protected resource metadata: 200 application\/json, found \(http:.*\/mcp\)$/m)
    expect(run.stdout).toContain('If you run it: Spell the issuer')
    expect(run.stdout).toMatch(/: 1 error$/m)
    expect(run.stderr).toContain('oauth-authorization-server')
    expect(run.stdout).not.toContain('\u001b[3')
    const help = await world.run(['doctor', '--help'])
    expect(help.stdout).toContain('latchkey doctor https://mcp.example.com/mcp --json')
  })
})
