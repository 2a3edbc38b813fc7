import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isRunning, type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { type CommandRun, remoteCommand, runCommand, type SshConnection } from '../src/index.ts'
import { connectTo, faultOf, never, until } from './support.ts'

/** Asks as sudo does, then does what it was asked for; `SUDO_ASKS=no` stands for NOPASSWD. */
const sudo = `#!/bin/sh
asks=no
while [ "$1" != -- ]; do
  case $1 in -S) asks=yes; shift;; -p) prompt=$2; shift 2;; -u) export AS=$2; shift 2;; -n) shift;; *) exit 2;; esac
done
shift
[ -e "$(dirname "$0")/../home/nopasswd" ] && asks=no
if [ $asks = yes ]; then
  for try in 1 2 3; do
    printf %s "$prompt" >&2
    IFS= read -r given || exit 1
    [ "$given" = 'sudo secret 1' ] && exec "$@"
    echo 'Sorry, try again.' >&2
  done
  exit 1
fi
[ -e "$(dirname "$0")/../home/nopasswd" ] || { echo 'sudo: a password is required' >&2; exit 1; }
exec "$@"
`

let sshd: SshdPeer
let connection: SshConnection
beforeAll(async () => {
  sshd = await startSshd({ programs: { sudo } })
  connection = await connectTo(sshd)
})
afterAll(async () => {
  connection?.close()
  await sshd?.close()
})

const run = (
  argv: string[],
  more: Partial<CommandRun> & Parameters<typeof remoteCommand>[1] = {},
  over = connection,
) =>
  runCommand(over, {
    command: remoteCommand(argv, more),
    outputBytesMax: 10_000,
    signal: never,
    ...more,
  })
const sh = (line: string, more: Parameters<typeof run>[1] = {}, over = connection) =>
  run(['sh', '-c', line], more, over)

test('a command gives its output, its errors and its exit code', async () => {
  const result = await sh('echo out; echo err >&2; exit 3')
  expect(result).toEqual({
    ...{ stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n') },
    ...{ stdoutTruncated: false, stderrTruncated: false, exitCode: 3, signal: null },
  })
})

test('a command that a signal ended says which', async () => {
  expect(await sh('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'SIGTERM' })
})

test.each([
  "it's",
  '"; touch pwned; "',
  '$(touch pwned)',
  '`touch pwned`',
  'a\nb\n',
  '; touch pwned',
  '--help',
  '-e',
  '',
  ' ',
  '*',
  '~',
  '$HOME',
  '\\',
  "\\'",
  '!!',
  '%s\\n',
  'ünï🎉',
  "'; touch pwned; '",
  '\t\r',
  '{a,b}',
  '#x',
  'a=b',
])('an argument is one word, whatever stands in it: %j', async (argument) => {
  const { stdout, stderr } = await run(['printf', '%s|', argument, 'end'])
  expect([stdout.toString(), stderr.toString()]).toEqual([`${argument}|end|`, ''])
  expect((await sh('ls')).stdout.toString()).not.toContain('pwned')
})

test('environment and folder are what the command sees', async () => {
  const env = { A: "it's $HOME", B_2: 'x\ny' }
  const { stdout } = await sh('printf "%s|%s|" "$A" "$B_2"; pwd', { env, folder: '/tmp' })
  expect(stdout.toString()).toBe("it's $HOME|x\ny|/tmp\n")
  expect(await sh('pwd', { folder: '/nowhere at all' })).toMatchObject({ exitCode: 126 })
})

test('stdin goes in whole, and ends', async () => {
  const stdin = `${'x'.repeat(3_000_000)}\n`
  expect((await run(['wc', '-c'], { stdin })).stdout.toString().trim()).toBe('3000001')
  expect((await run(['cat'])).stdout.toString()).toBe('')
})

test('a command that does not read its stdin ends all the same', async () => {
  expect(await run(['true'], { stdin: 'x'.repeat(5_000_000) })).toMatchObject({ exitCode: 0 })
})

test('output beyond the limit is read and thrown away, and said to be', async () => {
  const result = await sh('head -c 5000000 /dev/zero; head -c 20000 /dev/zero >&2; echo done >&2; exit 4')
  expect(result).toMatchObject({ stdoutTruncated: true, stderrTruncated: true, exitCode: 4 })
  expect([result.stdout.length, result.stderr.length]).toEqual([10_000, 10_000])
})

test('a command that is not there is exit code 127, a login shell that is none an error', async () => {
  expect(await run(['no-such-program'])).toMatchObject({ exitCode: 127 })
  const line = { ...remoteCommand(['true']), line: 'echo this account is not available; exit 1' }
  expect(await faultOf(runCommand(connection, { command: line, outputBytesMax: 10, signal: never }))).toMatch(
    /^step_failed: The command could not be started/,
  )
})

test('what a command leaves in the background does not hold it up for long', async () => {
  const { exitCode, stdout } = await sh('sleep 20 & echo $!')
  expect(exitCode).toBe(0)
  process.kill(Number(stdout), 'SIGKILL')
})

/** A command that starts others and writes their numbers down. */
const family = (file: string) =>
  `trap '' TERM HUP INT; sleep 300 & echo $! >> ${file}; sh -c "trap '' TERM HUP; sleep 301 & echo \\$! >> ${file}; echo \\$\\$ >> ${file}; wait" & echo $$ >> ${file}; wait`
const numbersIn = (file: string): number[] => {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').map(Number)
  } catch {
    return []
  }
}

test.each([
  ['', undefined],
  [' under sudo', { password: 'sudo secret 1' }],
])('a command that is stopped leaves no process behind%s', async (_, as) => {
  const file = join(sshd.home, `family${_.length}`)
  const stop = new AbortController()
  const running = faultOf(sh(family(file), { signal: stop.signal, sudo: as }))
  await until(() => numbersIn(file).length === 4)
  const numbers = numbersIn(file)
  expect(numbers.every(isRunning)).toBe(true)
  stop.abort(Object.assign(new Error('enough'), { code: 'stopped' }))
  expect(await running).toBe('stopped: enough')
  await until(() => !numbers.some(isRunning))
  expect((await sh('echo still here')).stdout.toString()).toBe('still here\n')
})

test('a command is stopped also where the server allows one session only', async () => {
  const narrow = await startSshd({ config: ['MaxSessions 1'] })
  const file = join(narrow.home, 'family')
  const stop = new AbortController()
  const only = await connectTo(narrow)
  const running = faultOf(sh(family(file), { signal: stop.signal }, only))
  await until(() => numbersIn(file).length === 4)
  const numbers = numbersIn(file)
  stop.abort(new Error('enough'))
  expect(await running).toBe('undefined: enough')
  await until(() => !numbers.some(isRunning))
  await narrow.close()
})

test('a line for a shell that is none goes out as it is', async () => {
  const result = await runCommand(connection, {
    command: 'echo a;   echo b',
    outputBytesMax: 100,
    signal: never,
  })
  expect(result.stdout.toString()).toBe('a\nb\n')
})

test('sudo gets the password only when it asks, and the command never', async () => {
  const asked = await sh('echo "as $AS:"; cat', { sudo: { password: 'sudo secret 1' }, stdin: 'input\n' })
  expect([asked.stdout.toString(), asked.stderr.toString()]).toEqual(['as root:\ninput\n', ''])
  await sh('touch nopasswd', { folder: sshd.home })
  const unasked = await sh('echo "as $AS:"; cat', {
    sudo: { user: 'www', password: 'sudo secret 1' },
    stdin: 'input\n',
  })
  expect(unasked.stdout.toString()).toBe('as www:\ninput\n')
  expect(await sh('exit 7', { sudo: {} })).toMatchObject({ exitCode: 7 })
  await sh('rm nopasswd', { folder: sshd.home })
})

test('sudo that refuses is an error, and a wrong password is given once', async () => {
  expect(await faultOf(sh('true', { sudo: { password: 'wrong' } }))).toMatch(/^step_failed: sudo did not let/)
  expect(await faultOf(sh('true', { sudo: {} }))).toMatch(/^step_failed: sudo did not let/)
})

/** Of the server's processes, as everybody on the machine may see them. */
const commandLines = () =>
  sshd
    .descendants()
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .join('\n')

test('no secret is in the list of processes', async () => {
  const stop = new AbortController()
  const as = { password: 'sudo secret 1' }
  const running = faultOf(sh('echo; sleep 33', { sudo: as, stdin: 'input', signal: stop.signal }))
  await until(() => commandLines().includes('sleep 33'))
  expect(commandLines()).not.toContain('sudo secret')
  stop.abort(new Error('enough'))
  await running
})

test('a server that is killed under a command is an outage', async () => {
  const dying = await connectTo(sshd)
  const running = faultOf(sh('echo; sleep 34', {}, dying))
  await until(() => commandLines().includes('sleep 34'))
  sshd.breakConnections()
  expect(await running).toMatch(/^target_unreachable/)
  expect(dying.isOpen()).toBe(false)
  expect(await faultOf(sh('true', {}, dying))).toMatch(/^target_unreachable/)
  connection = await connectTo(sshd)
})
