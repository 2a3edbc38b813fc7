import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { KeyRefused } from './define-key-provider.ts'
import { openEnvironmentKey } from './environment.ts'
import { openFileKey } from './file.ts'

const directory = mkdtempSync(join(tmpdir(), 'key-file-'))
afterAll(() => rmSync(directory, { recursive: true }))

let files = 0
const write = (content: string | Buffer, mode = 0o400): string => {
  const path = join(directory, `key-${files++}`)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}
const passphrase = 'a passphrase – ünïcode, with spaces '

const refused = async (path: string, why: RegExp) => {
  await expect(openFileKey(path)).rejects.toThrow(KeyRefused)
  await expect(openFileKey(path)).rejects.toThrow(why)
  await expect(openFileKey(path)).rejects.not.toThrow(/passphrase/)
}

test('001.12 a key file holds the same key as the environment would, with or without a line end', async () => {
  const { id } = await openEnvironmentKey(passphrase)
  for (const content of [passphrase, `${passphrase}\n`, `${passphrase}\r\n`])
    expect((await openFileKey(write(content))).id).toBe(id)
  expect((await openFileKey(write(`${passphrase}\n\n`))).id).not.toBe(id)
  expect((await openFileKey(write(passphrase.trim()))).id).not.toBe(id)
  expect((await openFileKey(write(passphrase))).provider).toBe('file')
})

test('001.12 any bytes are a key, each file its own', async () => {
  const bytes = Buffer.from([0xff, 0, 0xfe, 0x80, 0x0a, 0x31])
  const other = Buffer.from([0xff, 0, 0xfe, 0x81, 0x0a, 0x31])
  expect((await openFileKey(write(bytes))).id).not.toBe((await openFileKey(write(other))).id)
})

test('001.12 a key file that others may read or change is refused', async () => {
  for (const mode of [0o440, 0o404, 0o644, 0o620, 0o602, 0o610])
    await refused(write(passphrase, mode), new RegExp(`mode 0${mode.toString(8)}.*chmod 0400`))
  for (const mode of [0o400, 0o600]) await openFileKey(write(passphrase, mode))
})

test('001.12 an empty, oversized or missing key file, a directory and a pipe are refused at once', async () => {
  for (const content of ['', '\n', '\r\n']) await refused(write(content), /is empty/)
  await refused(write('x'.repeat(64 * 1024 + 1)), /larger than 65536 bytes/)
  await openFileKey(write('x'.repeat(64 * 1024)))
  await refused(join(directory, 'absent'), /cannot be read \(ENOENT\)/)
  const inside = join(directory, 'directory')
  mkdirSync(inside, { mode: 0o700 })
  await refused(inside, /not a regular file/)
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', ['-m', '600', pipe])
  await refused(pipe, /not a regular file/)
})

test('001.12 a link out of its directory is refused; one inside it, as Kubernetes mounts secrets, is read', async () => {
  const mounted = join(directory, 'mounted')
  mkdirSync(join(mounted, '..2026'), { recursive: true })
  writeFileSync(join(mounted, '..2026/key'), passphrase, { mode: 0o400 })
  symlinkSync('..2026', join(mounted, '..data'))
  symlinkSync('..data/key', join(mounted, 'key'))
  expect((await openFileKey(join(mounted, 'key'))).id).toBe((await openEnvironmentKey(passphrase)).id)
  symlinkSync(write(passphrase), join(mounted, 'outside'))
  await refused(join(mounted, 'outside'), /link out of its directory/)
  // A directory whose name only begins alike is outside too.
  mkdirSync(join(directory, 'mounted-2'))
  writeFileSync(join(directory, 'mounted-2/key'), passphrase, { mode: 0o400 })
  symlinkSync('../mounted-2/key', join(mounted, 'beside'))
  await refused(join(mounted, 'beside'), /link out of its directory/)
})

const asRoot = process.getuid?.() === 0 ? test : test.skip
asRoot('001.12 a key file of another user, who could change it, is refused', async () => {
  const path = write(passphrase)
  chownSync(path, 65534, 65534)
  await refused(path, /belongs to another user/)
})
