import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The path of a certificate or key in `certificates/`. */
export const certificatePath = (name: string): string =>
  fileURLToPath(new URL(`./certificates/${name}.pem`, import.meta.url))

const read = (name: string): string => readFileSync(certificatePath(name), 'utf8')

/** The CA of all the others. */
export const CA: string = read('ca')
/** For `localhost`, `127.0.0.1` and `*.latchkey.test`. */
export const SERVER: { readonly cert: string; readonly key: string } = { cert: read('server'), key: read('server.key') }
export const EXPIRED: { readonly cert: string; readonly key: string } = {
  cert: read('expired'),
  key: read('server.key'),
}
export const CLIENT: { readonly cert: string; readonly key: string } = { cert: read('client'), key: read('client.key') }
