import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { startAuthorizationServer } from '../../demo/src/authorization-server.ts'
import { NOTES_SCOPES } from '../../demo/src/notes-server.ts'
import { connect } from '../../src/client.ts'
import { authorizationCode, createOAuthSession, withOAuth } from '../../src/oauth.ts'
import { scriptedAuthorizer } from '../interop/protected-notes.ts'
import { buildLibrary, type BuiltLibrary } from '../processes/built-library.ts'
import { killAll, startNode } from '../processes/started-process.ts'

let library: BuiltLibrary
beforeAll(async () => {
  library = await buildLibrary()
  // The examples import the package by its name, which finds this folder.
  const manifest = { name: 'latchkey', type: 'module', exports: { './*': './*.js' } }
  writeFileSync(join(library.folder, 'package.json'), JSON.stringify(manifest))
})
afterAll(() => library.remove())
afterEach(killAll)

/** Starts the example of a section of the README, character by character as it stands there. */
function startExample(section: string, env: Readonly<Record<string, string>> = {}) {
  const text = readFileSync('README.md', 'utf8').split(`\n## ${section}\n`)[1] ?? ''
  const code = /^```ts\n([\s\S]*?)^```/m.exec(text.split('\n## ')[0] ?? '')?.[1]
  if (code === undefined) throw new Error(`The README has no example under "${section}"`)
  const file = join(library.folder, 'example.js')
  writeFileSync(file, code)
  Object.assign(process.env, env)
  return startNode(file, [])
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => void server.close(resolve))
  return port
}

it('README, "A server in five lines": runs, and answers', async () => {
  const example = startExample('A server in five lines')
  const url = await example.said(line => line.startsWith('http'))
  const client = await connect(url)
  expect((await client.callTool('greet')).content).toEqual([{ type: 'text', text: 'Hello, otter.' }])
  await client.close()
})

it('README, "Protect it": a client logs in, sees what it may use, steps up and sees more, with one authorization for each', async () => {
  const authorizations: URL[] = []
  const authorizationServer = await startAuthorizationServer({
    scopes: NOTES_SCOPES,
    record: ({ url }) => void (url.pathname === '/auth' && authorizations.push(url)),
  })
  try {
    const resource = `http://127.0.0.1:${await freePort()}/mcp`
    const example = startExample('Protect it', { ISSUER: authorizationServer.issuer, RESOURCE: resource })
    expect(await example.said(line => line.startsWith('listening'))).toBe(`listening at ${resource}`)

    const grant = authorizationCode({ authorizer: scriptedAuthorizer() })
    await using session = createOAuthSession({ server: resource, grant })
    const client = await connect(resource, { fetch: withOAuth(fetch, session) })
    const names = async () => (await client.listTools()).tools.map(({ name }) => name)
    expect(await names()).toEqual(['list_notes'])
    expect((await client.callTool('list_notes')).content).toEqual([
      { type: 'text', text: 'Otters hold hands while they sleep.' },
    ])
    expect(authorizations).toHaveLength(1)
    expect((await client.callTool('forget_notes')).content).toEqual([{ type: 'text', text: 'Forgot 1.' }])
    expect(await names()).toEqual(['list_notes', 'forget_notes'])
    expect(authorizations).toHaveLength(2)
    await client.close()
  } finally {
    await authorizationServer.close()
  }
})
