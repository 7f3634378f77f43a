// Fetches a URL twice with the network of its environment, says what came, and does nothing to end itself.
import { pathToFileURL } from 'node:url'

const [library, url] = process.argv.slice(2)
const { createNetworkFetch } = await import(pathToFileURL(library).href)
const fetch = createNetworkFetch()
try {
  for (let times = 0; times < 2; times++) console.log(await (await fetch(url)).text())
} catch (error) {
  console.log(error.cause?.code ?? error.code)
}
