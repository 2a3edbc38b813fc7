import { expect, test } from '@jest/globals'
import { NginxSettings } from '@opsconductor/contracts'
import fc from 'fast-check'
import { type Directive, parseConfig } from './parse-config.ts'
import { renderVhostConfig, type VhostConfig } from './render-vhost-config.ts'

const nginx = NginxSettings.parse({
  config_directories: ['/etc/nginx/conf.d', '/opt/nginx'],
  certificates_directory: '/opt/nginx/certificates',
})
const lines = 'ssl_certificate {{ certificate_path }}; ssl_certificate_key {{ key_path }};'
const whole = `server {
  listen 443 ssl;
  server_name {{ server_names }};
  ${lines}
  location / { proxy_pass http://127.0.0.1:8080; }
}
`
const render = (template: string, more: Partial<VhostConfig> = {}) =>
  renderVhostConfig(
    {
      ...{ template, certificatePath: '/etc/nginx/o/1/live/fullchain.pem' },
      ...{ keyPath: '/etc/nginx/o/1/live/privkey.pem', serverNames: ['a.example.com', '*.b.example.com'] },
      ...more,
    },
    nginx,
  )
const withLine = (line: string) => whole.replace('listen 443 ssl;', `listen 443 ssl; ${line}`)
const withLocation = (line: string) => whole.replace('proxy_pass http://127.0.0.1:8080;', line)

test('004.09 a template becomes the configuration of the virtual host, with its paths and names', () => {
  expect(render(whole)).toBe(
    whole
      .replace('{{ server_names }}', 'a.example.com *.b.example.com')
      .replace('{{ certificate_path }}', '/etc/nginx/o/1/live/fullchain.pem')
      .replace('{{ key_path }}', '/etc/nginx/o/1/live/privkey.pem'),
  )
})

test.each([
  'http2 on;',
  'add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;',
  'root /var/www/shop; index index.html; try_files $uri $uri/ =404;',
  'include fastcgi_params; include /etc/nginx/conf.d/tls.inc;',
  'access_log off; error_log /var/log/nginx/shop.error.log warn;',
  'access_log /var/log/nginx/shop.log combined buffer=32k;',
  'listen [::]:443 ssl; listen 127.0.0.1:8443 ssl; listen 443 quic reuseport;',
  'if ($host = "www.example.com") { return 301 https://example.com$request_uri; }',
  'location ~ \\.php$ { fastcgi_pass unix:/run/php/php-fpm.sock; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; }',
  'location /api/ { proxy_pass http://backend/v1/$arg_x; proxy_set_header Host $host; location /api/x { limit_except GET { deny all; } } }',
  'types { text/html html; }',
])('004.09 what virtual hosts usually have is let through: %s', (line) => {
  expect(render(withLine(line))).toContain(line)
})

test('004.09 upstreams and maps may stand beside the server', () => {
  const template = `upstream backend { least_conn; server 10.0.0.1:80 weight=2; server [::1]:80 backup; keepalive 8; }
    map $http_upgrade $connection { default upgrade; "" close; }
    ${whole}`
  expect(render(template)).toContain('upstream backend')
})

test.each<[string, string, RegExp]>([
  [
    'it closes the block and opens another',
    whole.replace('}\n}\n', '}\n}\n} http {'),
    /unexpected "}" in line/,
  ],
  ['it closes its block only', `${whole}}`, /unexpected "}"/],
  ['it does not close its block', whole.slice(0, -3), /unexpected end of file/],
  ['it has a quote that stays open', withLine('add_header X "abc;'), /unexpected end of file, expecting "/],
  ['it loads a module', `load_module /tmp/x.so; ${whole}`, /only server, upstream and map.*not load_module/],
  ['it has a block of the file itself', `http { ${whole} }`, /http must not be a block of the file itself/],
  ['it opens a stream', `${whole} stream { }`, /stream must not be a block of the file itself/],
  ['it runs Lua', withLocation(`content_by_lua 'os.execute("id")';`), /content_by_lua is not a directive/],
  [
    'it runs Lua in a block',
    withLocation('content_by_lua_block { x; }'),
    /content_by_lua_block must not be a block/,
  ],
  ['it runs Perl', withLocation('perl "sub { }";'), /perl is not a directive/],
  ['it runs JavaScript', withLocation('js_content x.y;'), /js_content is not a directive/],
  ['it names another user', `user root; ${whole}`, /not user/],
  ['it takes an environment variable', `env PATH; ${whole}`, /not env/],
  ['it includes a file of others', withLine('include /etc/shadow;'), /include must be a file below/],
  [
    'it includes a key',
    withLine('include /opt/nginx/certificates/1/live/privkey.pem;'),
    /include .* no private key/,
  ],
  ['it includes by a pattern', withLine('include /etc/nginx/conf.d/*;'), /include must be a file below/],
  ['it includes in a map', `map $a $b { include /etc/passwd; } ${whole}`, /include must not be in map/],
  ['it logs elsewhere', withLine('access_log /etc/cron.d/x;'), /access_log must be off, or a file below/],
  ['it logs to the network', withLine('error_log syslog:server=198.51.100.1;'), /error_log must be off/],
  ['its log has a variable', withLine('access_log /var/log/nginx/$host.log;'), /access_log must be off/],
  ['it serves the file system', withLine('root /;'), /root must be a directory below/],
  ['it serves keys', withLine('root /etc/nginx;'), /root must be a directory below/],
  ['it serves what a variable says', withLine('root /var/www/$arg_d;'), /root must be a directory below/],
  ['it serves the keys', withLine('root /opt/nginx/certificates;'), /root .* without the private keys/],
  ['it serves what is above the keys', withLine('root /opt//nginx/;'), /root .* without the private keys/],
  [
    'it serves one of the keys',
    withLocation('alias /opt/nginx/certificates/1/live/;'),
    /alias .* without the private keys/,
  ],
  ['it climbs out of its root', withLine('root /var/www/../../etc;'), /root must not contain \.\./],
  [
    'a file to try climbs out',
    withLine('try_files /../../etc/passwd =404;'),
    /try_files must not contain \.\./,
  ],
  ['an alias climbs out', withLocation('alias /srv/x/..;'), /alias must not contain/],
  [
    'it serves the key of somebody else',
    whole.replace('{{ key_path }}', '/etc/nginx/o/2/live/privkey.pem'),
    /ssl_certificate_key must be/,
  ],
  [
    'it serves a certificate by variable',
    whole.replace('{{ certificate_path }}', '/c/$ssl_server_name.pem'),
    /ssl_certificate must be/,
  ],
  ['it has no certificate', 'server { listen 443 ssl; }', /must have a server with ssl_certificate/],
  ['it is empty', '', /must have a server/],
  [
    'it talks to a socket',
    withLocation('proxy_pass http://unix:/var/run/docker.sock;'),
    /proxy_pass must name a host/,
  ],
  [
    'it talks to a socket in capitals',
    withLocation('proxy_pass http://UNIX:/var/run/docker.sock;'),
    /proxy_pass must name a host/,
  ],
  [
    'an upstream is a socket',
    `upstream u { server unix:/var/run/docker.sock; } ${whole}`,
    /server must name a host/,
  ],
  [
    "its target is the caller's word",
    withLocation('proxy_pass http://$arg_host;'),
    /proxy_pass must name a host/,
  ],
  ['it listens on a socket', withLine('listen unix:/run/x.sock;'), /listen must name a port/],
  [
    'it tells PHP how to run',
    withLocation('fastcgi_param PHP_VALUE "auto_prepend_file=php://input";'),
    /fastcgi_param must not set/,
  ],
  ['it writes files', withLocation('dav_methods PUT;'), /dav_methods is not a directive/],
  ['it stores what it fetched', withLocation('proxy_store /srv/x;'), /proxy_store is not a directive/],
  ['it has a server in a server', withLine('server { }'), /server must not be a block of server/],
  ['its directive is no word', withLine('"a b" c;'), /a directive is not a directive/],
  ['it has a section', whole.replace('server {', 'server { {{#a}}{{/a}}'), /variables only/],
  ['it has a section that stays open', `${whole}{{#a}}`, /is not closed, or a section/],
  ['it has a partial', `${whole}{{> other }}`, /variables only/],
  ['it changes the delimiters', `${whole}{{=<% %>=}}`, /variables only/],
  ['it does not escape', `${whole}{{{ key_path }}}`, /variables only/],
  [
    'it names a variable that is not there',
    `${whole}{{ constructor }}`,
    /names a variable that there is not/,
  ],
  ['it reaches into a variable', `${whole}{{ key_path.length }}`, /names a variable that there is not/],
  [
    'a variable is a directive',
    whole.replace('listen', '{{ server_names }} 1; listen'),
    /is not a directive/,
  ],
  ['it has control characters', `${whole}\u0000`, /control characters/],
  ['it has an escape sequence', withLine('add_header X "\u001b[2J";'), /control characters/],
  ['it is nested too deep', `${'location / { '.repeat(60)}`, /nested more than 50 levels/],
])('004.09 a template is refused where %s', (_, template, message) => {
  expect(() => render(template)).toThrow(
    expect.objectContaining({ code: 'template_error', message: expect.stringMatching(message) }),
  )
})

test('004.09 a fault is told with its line and without quoting what may be hostile', () => {
  expect(() => render(whole.replace('  location', '  evil\u202e_thing x;\n  location'))).toThrow(
    'The template is refused: a directive is not a directive that a template may have (line 5).',
  )
})

const shapeOf = (config: readonly Directive[]): unknown[] =>
  config.map(({ name, block }) => (block === undefined ? name : [name, shapeOf(block)]))

test('004.09 whatever the values are, the configuration has the blocks of its template, or there is none', () => {
  const piece = fc.constantFrom(
    ...[
      'a.example.com',
      '; }',
      '{',
      '}',
      '"',
      "'",
      '\\',
      '$host',
      `\${x}`,
      '#',
      '\n',
      ' ',
      '*.b',
      '\0',
      '{{ key_path }}',
      '../',
    ],
  )
  const value = fc.oneof(
    fc.array(piece).map((parts) => parts.join('')),
    fc.string(),
  )
  const expected = shapeOf(parseConfig(whole.replaceAll(/\{\{ \w+ \}\}/g, 'x')))
  fc.assert(
    fc.property(value, value, fc.array(value), (certificatePath, keyPath, serverNames) => {
      let config: string
      try {
        config = render(whole, { certificatePath, keyPath, serverNames })
      } catch (error) {
        expect(error).toMatchObject({ code: 'template_error' })
        return
      }
      expect(shapeOf(parseConfig(config))).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test('004.09 whatever the template is, it is rendered or refused as a template', () => {
  const piece = fc.constantFrom(
    ...[
      'server {',
      '}',
      lines,
      'location / {',
      'listen 443 ssl;',
      '{{',
      '}}',
      '{{ x }}',
      '{{#a}}',
      '"',
      "'",
      '\\',
      ';',
      '$',
    ],
    ...['#', '\n', ' ', 'include', ' /etc/passwd', 'upstream u {', 'server a;'],
  )
  fc.assert(
    fc.property(
      fc.array(piece).map((parts) => parts.join('')),
      (template) => {
        try {
          render(template)
        } catch (error) {
          expect(error).toMatchObject({ code: 'template_error' })
        }
      },
    ),
    { numRuns: 500 },
  )
})
