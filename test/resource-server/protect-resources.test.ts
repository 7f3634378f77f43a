import { afterEach, describe, expect, it } from 'vitest'
import { createWorld, type World } from './protected-world.ts'
import type { ProtectOptions } from '../../src/resource-server.ts'

const worlds: World[] = []
afterEach(async () => {
  await Promise.all(worlds.splice(0).map(({ app }) => app.close()))
})

/** A world with families of resources whose handlers would give anything away. */
function open(options: Partial<ProtectOptions> = {}): World {
  const world = createWorld(options)
  worlds.push(world)
  const { server, ran } = world
  server.resource('docs://admin', { name: 'admin', scopes: ['admin'] }, () => 'of the administrator')
  server.resourceTemplate('docs://{name}', { name: 'docs' }, ({ name }) => {
    ran.push(`docs ${String(name)}`)
    return 'x'
  })
  server.resourceTemplate(
    'vault://{folder}/{id}',
    {
      name: 'vault',
      scopes: uri => (uri.startsWith('vault://private/') ? ['private'] : []),
      list: () => ['private', 'public'].map(folder => ({ uri: `vault://${folder}/1`, name: `${folder} 1` })),
    },
    ({ folder }) => {
      ran.push(`vault ${String(folder)}`)
      return 'x'
    },
  )
  server.resourceTemplate(
    'tree://{+path}',
    { name: 'tree', scopes: uri => (uri.startsWith('tree://private/') ? ['private'] : []) },
    ({ path }) => {
      ran.push(`tree ${String(path)}`)
      return 'x'
    },
  )
  server.resourceTemplate(
    'mail://{id}',
    {
      name: 'mail',
      scopes: ['mail'],
      list: () => {
        ran.push('list of mail')
        return [{ uri: 'mail://merger', name: 'about the merger' }]
      },
    },
    () => 'x',
  )
  return world
}

const read = (world: World, uri: string, token: string): Promise<Response> =>
  world.call('resources/read', { uri }, token)

describe('however a URI is spelled, its scopes are the same', () => {
  it.each(['vault://private/1', 'vault://%70rivate/1', 'vault://privat%65/%31'])('of a family: %s', async uri => {
    const world = open()
    expect((await read(world, uri, 'eve|public')).status).toBe(403)
    expect(world.ran).toEqual([])
    expect((await read(world, uri, 'ada|private')).status).toBe(200)
    expect(world.ran).toEqual(['vault private'])
  })

  it.each(['tree://private/a', 'tree://private%2Fa', 'tree://%70rivate%2fa'])('of a path: %s', async uri => {
    const world = open()
    expect((await read(world, uri, 'eve|public')).status).toBe(403)
    expect(world.ran).toEqual([])
  })

  it.each(['docs://admin', 'docs://%61dmin', 'docs://admi%6e'])(
    'of a resource beside a family that would take it: %s',
    async uri => {
      const world = open()
      expect((await read(world, uri, 'eve|docs')).status).toBe(403)
      expect(await (await read(world, uri, 'ada|admin')).text()).toContain('of the administrator')
      expect(world.ran).toEqual([])
      expect((await read(world, 'docs://%6fther', 'eve|docs')).status).toBe(200)
      expect(world.ran).toEqual(['docs other'])
    },
  )

  it('a subscription is no way around', async () => {
    const notifications = { resourceSubscriptions: ['vault://%70rivate/1'] }
    expect((await open().call('subscriptions/listen', { notifications }, 'eve|public')).status).toBe(403)
  })
})
