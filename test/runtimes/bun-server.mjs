// Serves on Bun: bun bun-server.mjs <folder of the built library>
import { pathToFileURL } from 'node:url'
import { makeApp } from './offers.mjs'

const app = makeApp(await import(pathToFileURL(`${process.argv[2]}/server.js`).href))
const { port } = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: app.fetch })
console.log(JSON.stringify({ port }))
