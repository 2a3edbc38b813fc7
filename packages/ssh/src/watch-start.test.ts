import { expect, test } from '@jest/globals'
import type { ClientChannel } from 'ssh2'
import { remoteCommand } from './remote-command.ts'
import { watchStart } from './watch-start.ts'

const sudo = { password: 'secret password' }

function watched() {
  const sent: string[] = []
  const channel = {
    write: (text: string) => sent.push(text),
    end: (text: string) => sent.push(text),
  } as unknown as ClientChannel
  const command = remoteCommand(['x'], { sudo })
  const { signal } = new AbortController()
  const start = watchStart(channel, { command, sudo, stdin: 'input', outputBytesMax: 10, signal })
  return { start, sent, command, say: (text: string) => start.afterStart(Buffer.from(text)).toString() }
}

test('sudo gets the password when it asks, the command its input when it has begun', () => {
  const { say, sent, start, command } = watched()
  expect(say(command.passwordMark.slice(0, 5))).toBe('')
  expect(sent).toEqual([])
  say(command.passwordMark.slice(5))
  expect(sent).toEqual(['secret password\n'])
  expect(say(`lecture\n${command.startMark} 42\nown`)).toBe('lecture\nown')
  expect([sent, start.group()]).toEqual([['secret password\n', 'input'], 42])
})

test('a command that repeats what sudo asks with does not get the password, even in the packet of its start', () => {
  const { say, sent, command } = watched()
  expect(say(`${command.startMark} 42\n${command.passwordMark}`)).toBe(command.passwordMark)
  expect(say(command.passwordMark)).toBe(command.passwordMark)
  expect(sent).toEqual(['input'])
})

test('what is said before a start that never comes is kept up to a limit', () => {
  const { say, start } = watched()
  const refusals: string[] = []
  start.onRefused(({ code }) => refusals.push(code))
  for (let i = 0; i < 40; i++) say('x'.repeat(10_000))
  expect(refusals).toContain('target_refused')
  expect(start.rest().length).toBeLessThanOrEqual(64 * 1024)
})
