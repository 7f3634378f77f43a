// The server under test, as an application would write it: tools, prompts and resources. Everything about the protocol is the library's.
//
//   node conformance/server.mjs      says on standard output where it listens, and ends with its standard input
import { createServer, skills, tasks } from 'latchkey/server'
import { serve, skillsDirectory } from 'latchkey/node'
import { addContentTools } from './server/content-tools.mjs'
import { addPrompts } from './server/prompts.mjs'
import { addQuestionTools } from './server/question-tools.mjs'
import { addResources } from './server/resources.mjs'
import { addTaskTools } from './server/task-tools.mjs'
import { addWorkTools } from './server/work-tools.mjs'

const server = createServer({
  name: 'latchkey-conformance',
  version: '1.0.0',
  extensions: [tasks(), skills(skillsDirectory(new URL('./server/skills/', import.meta.url)))],
  onError: error => console.error(error),
})

addContentTools(server)
addWorkTools(server)
addQuestionTools(server)
addTaskTools(server)
addPrompts(server)
addResources(server)

const running = await serve(server, { port: 0 })
process.stdin.on('end', () => running.close()).resume()
console.log(running.url)
