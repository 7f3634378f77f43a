import { type Client, connect } from 'latchkey/client'
import {
  authorizationCode,
  type CredentialStore,
  createOAuthSession,
  type OAuthEvent,
  OAuthError,
  withOAuth,
} from 'latchkey/oauth'
import {
  createIndexedDbStore,
  createPopupAuthorizer,
  createWebStorageStore,
  finishRedirect,
  loginByRedirect,
  returnedLogin,
} from 'latchkey/browser'
import { storeContract } from '../../../src/testing/store-contract.ts'

/** What a test wants of the page; in the query of its first address. */
export interface PageSettings {
  readonly server: string
  /** Default `session`. */
  readonly store?: 'session' | 'indexeddb'
  /** Default `popup`. */
  readonly login?: 'popup' | 'redirect'
  /** Needs a login as soon as it is loaded, with no click. */
  readonly hasty?: boolean
  /** Shows a button where the browser opens no window. */
  readonly asks?: boolean
  readonly dpop?: boolean
  /** A client that was registered beforehand. */
  readonly clientId?: string
}

/** Said when a page that was in a hurry can do no more by itself: a look at it counts as a click. */
const SETTLED = 'settled'
const SETTINGS = 'settings of the test'
const given = new URLSearchParams(location.search).get('settings')
if (given !== null) sessionStorage.setItem(SETTINGS, given)
const settings = JSON.parse(sessionStorage.getItem(SETTINGS) ?? '{"server":"http://127.0.0.1"}') as PageSettings

/** How much later than now it is for the session. */
let skippedMs = 0
const events: OAuthEvent[] = []
const violations: string[] = []
document.addEventListener('securitypolicyviolation', event => {
  violations.push(`${event.violatedDirective} ${event.blockedURI}`)
})

const popup = createPopupAuthorizer({
  redirectUri: '/callback',
  ...(settings.asks && {
    onBlocked: open => {
      addButton('Log in now', () => open())
      console.log(SETTLED)
    },
  }),
})
const store: CredentialStore = settings.store === 'indexeddb' ? createIndexedDbStore() : createWebStorageStore()
const session = createOAuthSession({
  server: settings.server,
  store,
  grant: authorizationCode({
    ...(settings.login !== 'redirect' && { authorizer: popup }),
    ...(settings.clientId !== undefined && { client: { clientId: settings.clientId } }),
    clientMetadata: { clientName: 'A web page' },
  }),
  now: () => Date.now() + skippedMs,
  ...(settings.dpop !== undefined && { dpop: settings.dpop }),
  onEvent: event => void events.push(event),
})
let connected: Promise<Client> | undefined

async function call(tool: string): Promise<string> {
  connected ??= connect(settings.server, { fetch: withOAuth(fetch, session) })
  const client = await connected.catch((error: unknown) => {
    connected = undefined
    throw error
  })
  const input = tool === 'add_note' ? { text: 'Seals do not.' } : {}
  const { content } = await client.callTool(tool, input)
  return JSON.stringify(content)
}

/** The login that a click needs leaves the page, or opens a window first thing. */
async function byClick(task: () => Promise<string>): Promise<string> {
  if (settings.login !== 'redirect') return popup.openFor(task)
  try {
    return await task()
  } catch (error) {
    const scope = error instanceof OAuthError ? error.detail.scope : undefined
    if (!(error instanceof OAuthError) || !/^(?:login|step_up)_required$/.test(error.code)) throw error
    await loginByRedirect(session, { redirectUri: '/returned', ...(scope !== undefined && { scope }) })
    return 'leaving'
  }
}

const shown = document.createElement('output')
function show(work: Promise<string>): void {
  shown.textContent = ''
  work.then(
    text => (shown.textContent = text),
    (error: unknown) => {
      const { code, message, detail } = error as OAuthError
      shown.textContent = JSON.stringify({ code, message, detail, cause: undefined })
    },
  )
}

function addButton(name: string, onClick: () => void): void {
  const button = document.createElement('button')
  button.textContent = name
  button.addEventListener('click', onClick)
  document.body.append(button)
}

addButton('Read', () => show(byClick(() => call('list_notes'))))
addButton('Write', () => show(byClick(() => call('add_note'))))
addButton('Give up', () => void session.close())
document.body.append(shown)

if (settings.hasty) show(call('list_notes').finally(() => console.log(SETTLED)))

const returned = returnedLogin()
if (returned) {
  show(
    finishRedirect(session).then(async status => {
      return JSON.stringify({ returned, loggedIn: status?.loggedIn, notes: await call('list_notes') })
    }),
  )
}

/** What tests run in the page. */
const page = {
  session,
  events,
  violations,
  call,
  skip: (ms: number) => void (skippedMs += ms),
  createIndexedDbStore,
  createPopupAuthorizer,
  createWebStorageStore,
  finishRedirect,
  storeContract,
}
export type TestPage = typeof page
Object.assign(window, { page })
