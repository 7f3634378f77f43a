// Runs the client when its turn has come: the suite starts the clients of all scenarios at once, and then its own servers get so little time that
// they close connections, with requests in them that they have not read, as idle.
//
//   node conformance/turn.mjs PORT … URL      see `withTurns` in sides.mjs
import { once } from 'node:events'
import { connect } from 'node:net'

const turn = connect(Number(process.argv[2]), '127.0.0.1')
await once(turn, 'data')
// It lasts until this process ends.
turn.unref()
await import('./client.mjs')
