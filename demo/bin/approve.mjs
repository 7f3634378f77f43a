#!/usr/bin/env node
// Stands in for a browser with a person at it: run with an authorization URL (as BROWSER is), logs in and consents. What the last page
// said goes to the file named by DEMO_BROWSER_LOG.
import { appendFileSync } from 'node:fs'
import { approve } from '../dist/scripted-user.js'

const page = await approve(process.argv[2])
const log = process.env.DEMO_BROWSER_LOG
if (log) appendFileSync(log, `${JSON.stringify(page)}\n`)
process.exitCode = page.status === 200 ? 0 : 1
