import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ExecutorUnderTest, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const call = (method: string, path: string, body?: unknown) => executor.call(method, `/api/mibs${path}`, body)
const load = (text: string) => call('POST', '', { text })
const module = (name: string, imports: string, body: string) =>
  `${name} DEFINITIONS ::= BEGIN\nIMPORTS ${imports};\n${body}\nEND\n`

const base = module(
  'ACME-SMI',
  'enterprises FROM SNMPv2-SMI',
  'acme OBJECT IDENTIFIER ::= { enterprises 99999 }',
)
const box = module(
  'ACME-BOX-MIB',
  'OBJECT-TYPE FROM SNMPv2-SMI acme FROM ACME-SMI',
  'boxState OBJECT-TYPE SYNTAX INTEGER { up(1), down(2) } MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 1 }',
)

test('000.31 a module is loaded, listed, read, replaced and dropped; its names are known at once', async () => {
  const refused = await load(box)
  expect([refused.status, refused.body.errors]).toEqual([
    422,
    [
      {
        path: 'body.text',
        message: 'ACME-BOX-MIB imports from ACME-SMI, which is not loaded: send that module first',
      },
    ],
  ])
  expect(await load(base)).toMatchObject({ status: 201, headers: { location: '/api/mibs/ACME-SMI' } })
  expect(await load(box)).toMatchObject({
    status: 201,
    body: { name: 'ACME-BOX-MIB', imports: ['SNMPv2-SMI', 'ACME-SMI'], object_count: 1, text: box },
  })
  const byName = await call('GET', '/resolve?name=ACME-BOX-MIB::boxState.0')
  expect(byName).toMatchObject({
    status: 200,
    body: {
      oid: '1.3.6.1.4.1.99999.1.0',
      name: 'ACME-BOX-MIB::boxState.0',
      module: 'ACME-BOX-MIB',
      object: 'boxState',
      suffix: '.0',
      type: 'INTEGER',
      access: 'read-write',
      labels: [
        { value: 1, label: 'up' },
        { value: 2, label: 'down' },
      ],
    },
  })
  expect((await call('GET', '/resolve?oid=1.3.6.1.4.1.99999.1.0')).body).toEqual(byName.body)
  const listed = await call('GET', '?limit=1')
  expect(listed.body.items).toMatchObject([{ name: 'ACME-BOX-MIB' }])
  expect(listed.body.items[0]).not.toHaveProperty('text')
  const rest = await call('GET', `?limit=1&cursor=${listed.body.next_cursor}`)
  expect(rest.body).toMatchObject({ items: [{ name: 'ACME-SMI' }], next_cursor: null })
  expect(await load(box.replace('up(1)', 'on(1)'))).toMatchObject({ status: 200 })
  await expect(
    until(async () => (await call('GET', '/resolve?name=boxState')).body.labels[0].label === 'on'),
  ).resolves.toBe(true)
  expect((await call('DELETE', '/ACME-SMI')).body.detail).toBe('ACME-BOX-MIB imports from it.')
  expect((await load(base.replace('acme ', 'other '))).body.detail).toMatch(
    /ACME-BOX-MIB places boxState below acme/,
  )
  expect((await call('DELETE', '/ACME-BOX-MIB')).status).toBe(204)
  expect((await call('DELETE', '/ACME-SMI')).status).toBe(204)
  expect((await call('GET', '/ACME-SMI')).status).toBe(404)
})

/** The change comes by an event, a moment after the answer. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
  return true
}

test.each<[string, unknown, number, RegExp]>([
  ['no text', {}, 422, /text/],
  ['a text that is empty', { text: '' }, 422, /empty/],
  ['more than text', { text: 'x', name: 'y' }, 422, /name|nrecognized/],
  ['a number', { text: 5 }, 422, /text/],
  ['NUL', { text: 'A\0' }, 422, /must not contain NUL/],
  ['half a character', { text: 'A\ud800' }, 422, /must not contain NUL/],
  ['what is no module', { text: 'hello' }, 422, /capital letter \(line 1\)/],
  ['a base module', { text: module('SNMPv2-SMI', 'a FROM RFC1155-SMI', '') }, 409, /comes with the executor/],
  [
    'itself as its import',
    { text: module('SELF-MIB', 'a FROM SELF-MIB', 'a OBJECT IDENTIFIER ::= { a 1 }') },
    422,
    /below itself/,
  ],
  ['2 MB of one word', { text: 'A'.repeat(1_900_000) }, 422, /longer than 200/],
  [
    '2 MB of brackets',
    { text: `A DEFINITIONS ::= BEGIN a B ${'('.repeat(1_800_000)}` },
    422,
    /ends too early/,
  ],
])('%s is refused', async (_, body, status, message) => {
  const answer = await call('POST', '', body)
  expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(message)])
})

test.each<[string, number]>([
  ['?name=nothing', 422],
  ['?oid=1.3.x', 422],
  ['?name=sysName&oid=1.3', 400],
  ['', 400],
  [`?oid=${'1.'.repeat(800)}1`, 400],
])('GET /api/mibs/resolve%s is refused', async (query, status) => {
  expect((await call('GET', `/resolve${query}`)).status).toBe(status)
})

test.each(['/nothing', '/Nothing', '/%00', '/..%2f', `/${'A'.repeat(300)}`])(
  '%s is not found',
  async (path) => {
    for (const method of ['GET', 'DELETE']) expect((await call(method, path)).status).toBe(404)
  },
)

test("another project's modules are not seen, and change nothing", async () => {
  const { token } = await executor.apiKey.createUser({ role: 'admin', projectId: crypto.randomUUID() })
  await load(base)
  const theirs = { authorization: `Bearer ${token}` }
  const as = (path: string) => executor.call('GET', `/api/mibs${path}`, undefined, theirs)
  expect((await as('')).body.items).toEqual([])
  expect((await as('/ACME-SMI')).status).toBe(404)
  expect((await as('/resolve?name=acme')).status).toBe(422)
  expect((await as('/resolve?name=sysName')).body.oid).toBe('1.3.6.1.2.1.1.5')
})
