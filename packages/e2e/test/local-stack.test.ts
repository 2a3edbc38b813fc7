import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, jest, test } from '@jest/globals'
import { createCaller } from '../src/client.ts'
import { createHome, runStart, startPlatform } from '../src/platform.ts'

jest.setTimeout(240_000)

const homes: string[] = []
const newHome = () => {
  const home = createHome()
  homes.push(home)
  return home
}
afterAll(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true })
})

test('npm start -- --once prints the demo answer, stops everything and exits 0', async () => {
  const home = newHome()
  const start = runStart(home, 16_000, ['--once'])
  expect(await start.ended).toBe(0)
  expect(start.output()).toMatch(/"owner_team": "Automation"/)
  expect(start.output()).toMatch(/curl -s http/)
  expect(existsSync(join(home, 'stack.json'))).toBe(false)
  await expect(createCaller('http://127.0.0.1:24000')('GET', '/')).rejects.toThrow()
})

test('after kill -9 of the supervisor the next start ends what it left, and nothing is lost', async () => {
  const home = newHome()
  const first = await startPlatform(16_000, { home })
  expect(statSync(join(home, 'stack.json')).mode & 0o777).toBe(0o600)
  first.start.process.kill('SIGKILL')
  await first.start.ended
  const call = createCaller(first.stack.demo.public_url, { 'x-api-key': first.stack.demo.api_key })
  expect((await call('POST', first.stack.demo.public_url, { body: first.stack.demo.body })).status).toBe(200)
  const second = await startPlatform(16_000, { home })
  expect(second.start.output()).toMatch(/ended what an earlier start left running: .*postgres/)
  expect(second.stack.demo.api_key).toBe(first.stack.demo.api_key)
  expect((await call('POST', first.stack.demo.public_url, { body: first.stack.demo.body })).status).toBe(200)
  const rival = runStart(home, 16_000, ['--once'])
  expect(await rival.ended).toBe(1)
  expect(rival.output()).toMatch(/a stack is running from this home already/)
  await second.stop()
})

test('a busy port is named, with the variable that moves it', async () => {
  const server = createServer().listen(24_000, '127.0.0.1')
  await once(server, 'listening')
  const start = runStart(newHome(), 16_000, ['--once'])
  const code = await start.ended
  server.close()
  expect([code, start.output().trim().split('\n')]).toEqual([
    1,
    [expect.stringMatching(/port 24000 \(gateway\) is busy.*OPSCONDUCTOR_PORT_OFFSET/)],
  ])
})

/** A PATH that holds only what is named, and no Temporal CLI. */
function pathWith(...programs: string[]): string {
  const directory = mkdtempSync('/tmp/opsconductor-path-')
  homes.push(directory)
  for (const program of programs) symlinkSync(`/usr/bin/${program}`, join(directory, program))
  return directory
}

test('without pip the message says what to install', async () => {
  const home = newHome()
  const start = runStart(home, 16_000, ['--once'], {
    PATH: pathWith('id', 'test', 'env'),
    XDG_CACHE_HOME: home,
  })
  expect(await start.ended).toBe(1)
  expect(start.output()).toMatch(/npm start: .*apt-get install python3-pip/)
})

test('a Temporal CLI with the wrong checksum is refused and left unstarted', async () => {
  const home = newHome()
  const cache = join(home, 'opsconductor')
  mkdirSync(cache)
  const file = join(cache, `temporal-1.9.1-${process.arch}`)
  writeFileSync(file, '#!/bin/sh\necho started > "$0.ran"\n')
  chmodSync(file, 0o700)
  const start = runStart(home, 16_000, ['--once'], { XDG_CACHE_HOME: home })
  expect(await start.ended).toBe(1)
  expect(start.output()).toMatch(/npm start: wrong checksum of .*temporal-1\.9\.1/)
  expect(existsSync(`${file}.ran`)).toBe(false)
  expect(readFileSync(file, 'utf8')).toContain('echo started')
})
