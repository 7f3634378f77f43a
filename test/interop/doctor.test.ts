import { expect, it } from 'vitest'
import { diagnose } from '../../src/doctor.ts'
import { authorizationCode, createMemoryStore } from '../../src/oauth.ts'
import { scriptedAuthorizer, startProtectedNotes } from './protected-notes.ts'

it('the doctor finds nothing wrong with a certified authorization server and a server made with the official SDK', async () => {
  await using world = await startProtectedNotes('/tenant')
  const before = await diagnose(world.mcpUrl)
  expect(before.findings.filter(({ severity }) => severity !== 'info')).toEqual([])
  expect(before.findings.map(({ code }) => code)).toContain('login_needed')
  expect(before.ok).toBe(true)
  expect(world.at('/reg')).toEqual([])
  const store = createMemoryStore()
  const grant = authorizationCode({ authorizer: scriptedAuthorizer() })
  await world.session({ store }).login()
  const after = await diagnose(world.mcpUrl, { store, grant, register: true })
  expect(after.findings.filter(({ severity }) => severity !== 'info')).toEqual([])
  expect(after.steps.at(-1)?.received).toMatch(/^speaks 2026-07-28 and 2025-/)
})
