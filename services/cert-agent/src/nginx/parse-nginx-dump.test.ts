import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { matchesGlob } from './matches-glob.ts'
import { parseNginxDump } from './parse-nginx-dump.ts'

const dumpOf = (files: Record<string, string>) =>
  Object.entries(files)
    .map(([file, text]) => `# configuration file ${file}:\n${text}\n`)
    .join('\n')
const serversOf = (files: Record<string, string>) => parseNginxDump(dumpOf(files)).servers

test('virtual hosts are found in the files that http includes, each with its file, addresses and certificates', () => {
  const files = {
    '/etc/nginx/nginx.conf': 'user www;\nhttp { include mime.types; include sites-enabled/*.conf; }',
    '/etc/nginx/mime.types': 'types { text/html html; }',
    '/etc/nginx/sites-enabled/shop.conf': `server {
      listen 80; listen [::]:8443 ssl http2; listen 10.0.0.1:443 ssl; listen 443 quic; listen unix:/run/x.sock;
      server_name shop.example.com "*.shop.example.com" ~^old\\d+;
      include snippets/tls.conf;
      location / { ssl_certificate /never; }
    }`,
    '/etc/nginx/sites-enabled/.hidden.conf': 'server { server_name hidden.example.com; }',
    '/etc/nginx/snippets/tls.conf':
      'ssl_certificate /c/rsa.pem; ssl_certificate_key /c/rsa.key; ssl_certificate /c/ec.pem;',
  }
  expect(serversOf(files)).toEqual([
    {
      names: ['shop.example.com', '*.shop.example.com', '~^old\\d+'],
      listens: [
        { address: null, port: 80, ssl: false },
        { address: null, port: 8443, ssl: true },
        { address: '10.0.0.1', port: 443, ssl: true },
      ],
      certificates: [
        { certificatePath: '/c/rsa.pem', keyPath: '/c/rsa.key' },
        { certificatePath: '/c/ec.pem', keyPath: null },
      ],
      file: '/etc/nginx/sites-enabled/shop.conf',
    },
  ])
})

test('a server of stream or mail is no virtual host, and http gives its certificate to servers without one', () => {
  const [one, ...more] = serversOf({
    '/n.conf': `stream { server { listen 443 ssl; } } mail { server { listen 25; } }
      http { ssl_certificate /all.pem; ssl_certificate_key /all.key; server { ssl on; listen 8443; } server {} }`,
  })
  expect(one).toMatchObject({
    listens: [{ address: null, port: 8443, ssl: true }],
    certificates: [{ certificatePath: '/all.pem', keyPath: '/all.key' }],
  })
  expect(more).toMatchObject([{ names: [], listens: [{ address: null, port: 80, ssl: false }] }])
})

test('a file that cannot be read is named, and the others are read', () => {
  const { servers, faults } = parseNginxDump(
    dumpOf({
      '/n/nginx.conf': 'http { include /n/d/*; }',
      '/n/d/bad': 'server { content_by_lua_block { local a = "}" } }',
      '/n/d/good': 'server { server_name good.example.com; }',
      '/n/d/open': 'server {',
    }),
  )
  expect(servers.map(({ names }) => names)).toEqual([['good.example.com']])
  expect(faults).toEqual([
    { file: '/n/d/bad', message: 'unexpected "}" in line 2' },
    { file: '/n/d/open', message: 'unexpected end of file, expecting "}" in line 3' },
  ])
})

test('files that include themselves, and each other many times, come to an end', () => {
  const loop = parseNginxDump(
    dumpOf({ '/n.conf': 'http { include /n.conf; include /a; }', '/a': 'include /a;' }),
  )
  expect(loop).toEqual({ servers: [], faults: [] })
  const bomb = dumpOf({
    '/n.conf': 'http { include /a; }',
    '/a': 'include /a; '.repeat(50),
  })
  expect(parseNginxDump(bomb).faults).toEqual([
    { file: '/n.conf', message: expect.stringContaining('too large to be read whole') },
  ])
})

test('an address that is none, a port out of range and a listen without one are left out', () => {
  const [server] = serversOf({
    '/n.conf':
      'http { server { listen 70000; listen 0; listen; listen "a b:1"; listen [::1; listen host; } }',
  })
  expect(server?.listens).toEqual([{ address: 'host', port: 80, ssl: false }])
})

test('any text is a dump with some servers or none', () => {
  const text = fc
    .array(
      fc.constantFrom(
        ...['# configuration file /a:\n', '# configuration file /b:\n', 'http {', 'server {', '}', ';'],
        ...['include /*;', 'include', 'listen 443 ssl;', 'server_name', ' a.b', '"', '\\', '\n', '# x'],
      ),
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (dump) => {
      parseNginxDump(`# configuration file /a:\n${dump}`)
    }),
  )
})

test.each([
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/b/c', false],
  ['/a/*.conf', '/a/b.conf', true],
  ['/a/*.conf', '/a/.conf', false],
  ['/a/.*', '/a/.conf', true],
  ['/a/?', '/a/b', true],
  ['/a/?', '/a/bc', false],
  ['/a/b*d*', '/a/bcde', true],
  ['/a/b*d*e', '/a/bcdf', false],
  ['/*/x', '/y/x', true],
  [`/${'*a'.repeat(40)}`, `/${'a'.repeat(39)}b`, false],
])('the glob %s finds %s: %s', (pattern, path, found) => {
  expect(matchesGlob(pattern, path)).toBe(found)
})
