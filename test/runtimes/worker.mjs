// Serves as a worker, which keeps nothing between requests: bundled, for workerd.
import * as library from 'latchkey-under-test/server.js'
import { makeApp } from './offers.mjs'

// workerd notices that a client went away when it writes: with the keep-alive at the latest.
const app = makeApp(library, { sessions: false, keepAliveMs: 100 })

export default { fetch: app.fetch }
