import { describe, expect, it } from 'vitest'
import { addressScope } from '../../../src/oauth/protocol/host-address.ts'

const places = {
  loopback: [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
    '[::ffff:7f00:1]',
    '0:0:0:0:0:0:0:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '198.18.0.1',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '2002:c0a8:101::1',
  ],
  special: [
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '192.0.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:169.254.169.254',
    '[::ffff:a9fe:a9fe]',
    'nonsense:::',
    '1:2:3',
  ],
  public: [
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '9.255.255.255',
    '11.0.0.1',
    '169.253.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ],
  name: [
    'example.com',
    'localhost.example.com',
    'notlocalhost',
    '10.0.0.1.example.com',
    'xn--e1afmkfd.example',
    '256.1.1.1',
    '1.2.3',
  ],
}

describe('addressScope', () => {
  for (const [scope, hosts] of Object.entries(places)) {
    it.each(hosts)(`%s is ${scope}`, host => {
      expect(addressScope(host)).toBe(scope)
    })
  }

  it.each([
    ['http://2130706433/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://0177.0.0.1/', 'loopback'],
    ['http://①②⑦.⓪.⓪.①/', 'loopback'],
    ['http://0xa9fea9fe/', 'special'],
    ['http://[::ffff:169.254.169.254]/', 'special'],
    ['http://3232235777/', 'private'],
  ])('%s, as URL writes its host, is %s', (url, scope) => {
    expect(addressScope(new URL(url).hostname)).toBe(scope)
  })
})
