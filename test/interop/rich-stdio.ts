// The rich server as a program: bundled for the tests that start it.
import { serveStdio } from '../../src/stdio.ts'
import { createRichServer } from './rich-server.ts'

await serveStdio(createRichServer(error => console.error(error)))
