import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { isAlive } from './process-identity.ts'
import { claimHome, endOrphans, recordProcess } from './process-record.ts'

let run: string
let child: ChildProcess
beforeEach(async () => {
  run = mkdtempSync(join(tmpdir(), 'process-record-'))
  child = spawn(process.execPath, [
    '-e',
    "process.on('SIGTERM', () => process.exit(0)); console.log('ready'); setInterval(() => {}, 1000)",
  ])
  if (child.stdout) await once(child.stdout, 'data')
})
afterEach(() => {
  child.kill('SIGKILL')
  rmSync(run, { recursive: true })
})
const pid = () => child.pid as number

test('what an earlier start left running is ended, and forgotten', async () => {
  recordProcess(run, 'executor', pid())
  expect(await endOrphans(run)).toEqual(['executor'])
  expect([isAlive(pid()), readdirSync(run)]).toEqual([false, []])
})

test('a process that took over the pid of one of ours is left alone', async () => {
  recordProcess(run, 'executor', pid())
  const file = join(run, 'executor.json')
  const record = JSON.parse(readFileSync(file, 'utf8')) as { startTime: string }
  writeFileSync(file, JSON.stringify({ ...record, startTime: `${record.startTime}0` }))
  expect(await endOrphans(run)).toEqual([])
  expect(isAlive(pid())).toBe(true)
})

test('a home is claimed by one live supervisor at a time', () => {
  claimHome(run)
  expect(() => claimHome(run)).not.toThrow()
  recordProcess(run, 'supervisor', pid())
  expect(() => claimHome(run)).toThrow(`a stack is running from this home already (pid ${pid()})`)
})
