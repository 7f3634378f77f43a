import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createWorld, type World } from './world.ts'

async function writeExceptions(world: World, content: unknown): Promise<void> {
  const folder = world.env['LATCHKEY_HOME'] ?? ''
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'issuer-exceptions.json'), JSON.stringify(content), { mode: 0o600 })
}

describe('issuer-exceptions.json', () => {
  it('R-EXC-1 field D15: admits the issuer it names, says so at the login, and status shows it', async () => {
    await using world = await createWorld({ pkceAdvertised: 'nowhere' })
    const refused = await world.run(['login', world.url])
    expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('assumeS256') })
    const given = { assumeS256: true, reason: 'our own server, which supports it', since: '2026-11-21' }
    await writeExceptions(world, [{ ...given, issuer: 'https://other.example.com' }])
    expect((await world.run(['login', world.url])).exitCode).toBe(4)
    await writeExceptions(world, [{ ...given, issuer: world.server.issuer }])
    const login = await world.run(['login', world.url])
    expect(login.exitCode, login.stderr).toBe(0)
    expect(login.stderr).toContain(`exception for ${world.server.issuer}: ${given.reason} (configuration)`)
    expect((await world.run(['status', world.url])).stdout).toMatch(/exception +our own server, which supports it/)
    expect(JSON.parse((await world.run(['status', world.url, '--json'])).stdout)).toMatchObject({
      exceptions: [given.reason],
    })
    expect(JSON.parse((await world.run(['status', '--json'])).stdout).logins).toEqual([
      expect.objectContaining({ exceptions: [given.reason] }),
    ])
  })

  it('R-EXC-1 a member that does not exist is a usage error that names it and the file, before anything is sent', async () => {
    await using world = await createWorld()
    await writeExceptions(world, [{ issuer: world.server.issuer, assumeS265: true, reason: 'x', since: '2026-11-21' }])
    const run = await world.run(['login', world.url, '--json'])
    expect(run.exitCode).toBe(2)
    const { code, message } = JSON.parse(run.stdout).error
    expect([code, message]).toEqual(['configuration', expect.stringContaining('issuer-exceptions.json')])
    expect(message).toContain('assumeS265')
    expect(world.server.requests).toHaveLength(0)
  })
})
