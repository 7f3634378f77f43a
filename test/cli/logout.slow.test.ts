import { expect, it } from 'vitest'
import { createWorld } from './world.ts'

it('logout --client deletes the registration at the authorization server and says so', async () => {
  await using world = await createWorld({ registrationManagement: 'offered' })
  await world.run(['login', world.url])
  const run = await world.run(['logout', world.url, '--client', '--verbose'])
  expect(run).toMatchObject({ exitCode: 0, stdout: '' })
  expect(run.stderr).toContain('client registration deleted at the authorization server')
  expect(run.stderr).toMatch(/· client client-\d+ deleted at/)
  expect(world.leaked(run.stderr)).toEqual([])
  expect(world.server.requestsTo('registration').map(({ method }) => method)).toEqual(['POST', 'DELETE'])
})

it('logout --all --client goes on where a server will not delete, and says why', async () => {
  await using refusing = await createWorld({ registrationManagement: 'refused' })
  await using world = await createWorld({ registrationManagement: 'offered' })
  const { env } = refusing
  await refusing.run(['login', refusing.url])
  await world.run(['login', world.url], { env })
  const run = await refusing.run(['logout', '--all', '--client'])
  expect(run.exitCode).toBe(0)
  expect(run.stderr).toContain('not deleted at the authorization server: the authorization server does not let clients')
  expect(world.server.requestsTo('registration').map(({ status }) => status)).toEqual([201, 204])
  expect(JSON.parse((await refusing.run(['status', '--json'])).stdout)).toMatchObject({ logins: [] })
})
