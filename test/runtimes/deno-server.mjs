// Serves on Deno: deno run deno-server.mjs <folder of the built library>
import { makeApp } from './offers.mjs'

const app = makeApp(await import(new URL(`file://${Deno.args[0]}/server.js`).href))
Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => console.log(JSON.stringify({ port })) }, app.fetch)
