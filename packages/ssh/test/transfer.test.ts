import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { download, type SshConnection, upload } from '../src/index.ts'
import { connectTo, faultOf, never, until } from './support.ts'

let sshd: SshdPeer
let connection: SshConnection
beforeAll(async () => {
  sshd = await startSshd()
  connection = await connectTo(sshd)
})
afterAll(async () => {
  connection?.close()
  await sshd?.close()
})

const inHome = (name: string) => join(sshd.home, name)
const parts = () => readdirSync(sshd.home).filter((name) => name.endsWith('.part'))
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
async function collect(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const blocks: Buffer[] = []
  for await (const block of content) blocks.push(block)
  return Buffer.concat(blocks)
}

test.each([0, 1, 32_767, 32_768, 32_769, 5_000_001])(
  '%i bytes go up and come down the same',
  async (length) => {
    const bytes = randomBytes(length)
    async function* inPieces() {
      for (let at = 0; at < length; at += 70_001) yield bytes.subarray(at, at + 70_001)
    }
    const up = await upload(connection, { path: 'sized', content: inPieces(), signal: never })
    expect(up).toMatchObject({ bytes: length, sha256: sha256(bytes) })
    expect(readFileSync(inHome('sized')).equals(bytes)).toBe(true)
    const down = await download(connection, { path: 'sized', bytesMax: length || 1, signal: never }, collect)
    expect([down.taken.equals(bytes), down.sha256]).toEqual([true, sha256(bytes)])
  },
)

test('a file that says that it has no bytes is read to its end, and one that grows beyond the limit is not', async () => {
  const status = await download(
    connection,
    { path: '/proc/self/status', bytesMax: 10_000, signal: never },
    collect,
  )
  expect(status.taken.toString()).toContain('Name:')
  expect(
    await faultOf(download(connection, { path: '/proc/self/status', bytesMax: 100, signal: never }, collect)),
  ).toBe('target_answer_too_large: The file has more than 100 bytes.')
})

test('nobody sees half of a file, and nothing is left where an upload fails or is stopped', async () => {
  writeFileSync(inHome('kept'), 'old')
  async function* broken() {
    yield randomBytes(300_000)
    expect(readFileSync(inHome('kept'), 'utf8')).toBe('old')
    expect(parts()).toHaveLength(1)
    expect(statSync(inHome(parts()[0] as string)).mode & 0o777).toBe(0o600)
    throw new Error('no more')
  }
  expect(await faultOf(upload(connection, { path: 'kept', content: broken(), signal: never }))).toBe(
    'undefined: no more',
  )
  const stop = new AbortController()
  async function* stopped() {
    yield randomBytes(300_000)
    stop.abort(new Error('enough'))
    for (;;) yield randomBytes(300_000)
  }
  expect(await faultOf(upload(connection, { path: 'kept', content: stopped(), signal: stop.signal }))).toBe(
    'undefined: enough',
  )
  expect([readFileSync(inHome('kept'), 'utf8'), parts()]).toEqual(['old', []])
})

test('an owner that may not be given, and a mode, are said and set', async () => {
  const given = { path: 'owned', content: [Buffer.from('x')], signal: never }
  if (process.getuid?.() === 0)
    expect(await faultOf(upload(connection, { ...given, owner: { uid: 0, gid: 0 } }))).toBe(
      'step_failed: The server could not change the owner of the file: permission was denied.',
    )
  expect(await upload(connection, { ...given, mode: 0o4755 })).toMatchObject({ mode: 0o4755 })
  expect([statSync(inHome('owned')).mode & 0o7777, parts()]).toEqual([0o4755, []])
})

test('a connection that breaks in the middle of a transfer is an outage', async () => {
  const dying = await connectTo(sshd)
  async function* slow() {
    yield randomBytes(100_000)
    sshd.breakConnections()
    await until(() => !dying.isOpen())
    yield randomBytes(100_000)
  }
  expect(await faultOf(upload(dying, { path: 'lost', content: slow(), signal: never }))).toMatch(
    /^target_unreachable/,
  )
  connection = await connectTo(sshd)
})
