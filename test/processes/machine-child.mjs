// One machine of test/processes/machine.test.ts: node machine-child.mjs <built folder> <store folder> <MCP URL> [calls at once]
// Makes its calls whenever it is told to, says what became of each, and then `done`; ends with its input.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [, , built, directory, url, calls = '1'] = process.argv
const { clientCredentials, createOAuthSession, withOAuth } = await import(`${built}/oauth.js`)
const { createFileStore } = await import(`${built}/node/file-store.js`)
// A synchronous write: what was said before a kill -9 has been said.
const say = line => writeSync(1, `${line}\n`)

/** So that the server knows who asks. */
function signedFetch(input, init) {
  const headers = new Headers(init?.headers)
  headers.set('x-process', String(process.pid))
  return fetch(input, { ...init, headers })
}

const session = createOAuthSession({
  server: url,
  store: createFileStore({ directory }),
  grant: clientCredentials({ clientId: 'robot', clientSecret: 'robot-secret' }),
  fetch: signedFetch,
})
const authorizedFetch = withOAuth(fetch, session)

async function call() {
  const response = await authorizedFetch(url, { method: 'POST', body: '{}' })
  await response.text()
  if (!response.ok) throw new Error(`status ${response.status}`)
}

say('ready')
for await (const _go of createInterface({ input: process.stdin })) {
  await Promise.all(
    Array.from({ length: Number(calls) }, () =>
      call().then(
        () => say('ok'),
        error => say(`failed ${error.code ?? ''} ${error.message} ${error.cause?.message ?? ''}`),
      ),
    ),
  )
  say('done')
}
