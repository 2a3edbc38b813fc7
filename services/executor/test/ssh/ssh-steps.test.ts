import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isRunning } from '@opsconductor/test-peers'
import { createJob, endOf } from '../support/executor.ts'
import { addCredential, runOne, startWithSshd, type WithSshd } from './ssh-targets.ts'

let with_: WithSshd<'web'>
beforeAll(async () => {
  with_ = await startWithSshd({ web: {} })
}, 60_000)
afterAll(() => with_?.stop())

const step = (type: string, input: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type,
  credential: with_.credentialOf('web'),
  input: { ...with_.at('web'), ...input },
  ...more,
})
const run = (type: string, input: Record<string, unknown>, given?: unknown, more?: Record<string, unknown>) =>
  runOne(with_.executor, step(type, input, more), given)
const inHome = (name: string) => join(with_.sshd.web.home, name)
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')

test('ssh.exec answers output, errors and exit code; arguments are words whatever they hold', async () => {
  const hostile = '\'; touch pwned; $(touch pwned) `touch pwned` \n "x" ünï'
  const step = { command: 'echo oops >&2; printf %s', args: ['{{ input.word }}'] }
  const { output } = await run('ssh.exec', step, { word: hostile })
  expect(output).toEqual({
    ...{ stdout: hostile, stderr: 'oops\n', stdout_truncated: false, stderr_truncated: false },
    ...{ exit_code: 0, signal: null },
  })
  expect(existsSync(inHome('pwned'))).toBe(false)
})

test('a line for an appliance is not run where it needs a shell, whoever says so', async () => {
  const input = { command: 'echo hi', shell: '{{ input.shell }}', folder: '/' }
  const { error } = await run('ssh.exec', input, { shell: 'none' })
  expect(error).toMatchObject({
    code: 'validation_failed',
    message: 'input.shell can be none only without env, folder and sudo.',
  })
})

test('an exit code that was not expected fails the step with the last line of stderr; one that was does not', async () => {
  const failing = { command: 'echo first >&2; echo "no such unit" >&2; exit 4' }
  const failed = await run('ssh.exec', failing)
  expect(failed.error).toMatchObject({
    code: 'step_failed',
    message: 'The command ended with exit code 4: no such unit',
  })
  expect((await run('ssh.exec', { ...failing, expect_exit_codes: [0, 4] })).output).toMatchObject({
    exit_code: 4,
  })
  expect((await run('ssh.exec', { command: 'kill -9 $$' })).error.message).toBe(
    'The command was ended by SIGKILL.',
  )
})

test('environment, folder and stdin reach the command', async () => {
  const { output } = await run('ssh.exec', {
    command: 'echo "$GREETING"; pwd; cat',
    ...{ env: { GREETING: "it's $HOME" }, folder: '/tmp', stdin: 'from stdin' },
  })
  expect(output.stdout).toBe("it's $HOME\n/tmp\nfrom stdin")
})

test('output beyond the limit is cut, and said to be', async () => {
  const { output } = await run('ssh.exec', { command: 'yes | head -c 300000', output_bytes_max: 1_000 })
  expect([output.stdout.length, output.stdout_truncated, output.exit_code]).toEqual([1_000, true, 0])
})

test('ssh.script runs a script that is no file there, with arguments', async () => {
  const script = 'set -eu\nfor word in "$@"; do echo "<$word>"; done\nls -A . | wc -l'
  const { output } = await run(
    'ssh.script',
    { script, args: ['a b', '{{ input.b }}'], folder: '/' },
    { b: "it's" },
  )
  expect(output.stdout).toMatch(/^<a b>\n<it's>\n\d+\n$/)
  const perl = await run('ssh.script', {
    interpreter: 'perl',
    script: 'print scalar(@ARGV), $ARGV[0]',
    args: ['x y'],
  })
  expect(perl.output.stdout).toBe('1x y')
})

test.each([
  ['ssh.exec', { command: 'rm {{ input.name }}' }, 'body.steps[0].input.command'],
  ['ssh.script', { script: 'rm {{ input.name }}' }, 'body.steps[0].input.script'],
])('%s takes no templates in what the shell reads', async (type, input, path) => {
  const { status, body } = await with_.executor.call('POST', '/api/jobs', {
    name: `templates in ${type}`,
    steps: [{ id: 'only', ...step(type, input) }],
  })
  expect([status, body.errors]).toEqual([
    422,
    [{ path, message: 'must not hold templates, which could run other commands: give the values in args' }],
  ])
})

test('cancelling a run kills the command with all that it started', async () => {
  const file = inHome('pids')
  const command = `sleep 305 & echo $! >> ${file}; echo $$ >> ${file}; wait`
  const job = await createJob(with_.executor, { steps: [{ id: 'only', ...step('ssh.exec', { command }) }] })
  const { body } = await with_.executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  const pids = async () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
  while ((await pids()).length < 2) await new Promise((resolve) => setTimeout(resolve, 50))
  await with_.executor.call('POST', `/api/runs/${body.id}/cancel`)
  expect((await endOf(with_.executor, body.id)).status).toBe('cancelled')
  expect((await pids()).filter(isRunning)).toEqual([])
})

test('a step that takes too long is ended and its command killed', async () => {
  const file = inHome('slow')
  const { error } = await run(
    'ssh.exec',
    { command: `echo $$ > ${file}; sleep 306` },
    {},
    { timeout_seconds: 3 },
  )
  expect(error).toMatchObject({ code: 'step_timeout' })
  expect(isRunning(Number(readFileSync(file, 'utf8')))).toBe(false)
})

test('ssh.upload writes a whole file with its mode, and replaces another at once', async () => {
  const first = await run(
    'ssh.upload',
    { path: 'settings.ini', text: 'mode = {{ input.mode }}\n', mode: '0640' },
    { mode: 'ünï' },
  )
  expect(first.output).toEqual({
    ...{ path: 'settings.ini', bytes: 13, sha256: sha256('mode = ünï\n'), mode: '0640', replaced: false },
  })
  const before = statSync(inHome('settings.ini')).ino
  const second = await run('ssh.upload', { path: inHome('settings.ini'), base64: 'AAEC/w==' })
  expect(second.output).toMatchObject({ replaced: true, mode: '0640', bytes: 4 })
  expect(readFileSync(inHome('settings.ini'))).toEqual(Buffer.from([0, 1, 2, 255]))
  expect(statSync(inHome('settings.ini')).ino).not.toBe(before)
  expect(readdirSync(with_.sshd.web.home).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('ssh.download gives text, Base64 or an artefact, with the checksum', async () => {
  const binary = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7) % 256))
  writeFileSync(inHome('note.txt'), 'ünï\n')
  writeFileSync(inHome('data.bin'), binary)
  const text = await run('ssh.download', { path: 'note.txt' })
  expect(text.output).toMatchObject({ text: 'ünï\n', bytes: 6, sha256: sha256('ünï\n') })
  const base64 = await run('ssh.download', { path: inHome('note.txt'), encoding: 'base64' })
  expect(base64.output.base64).toBe(Buffer.from('ünï\n').toString('base64'))
  const saved = await run('ssh.download', { path: 'data.bin', save_as: 'data.bin' })
  expect(saved.output).toMatchObject({
    ...{ bytes: 700_000, sha256: sha256(binary) },
    artefact: { name: 'data.bin', bytes: 700_000, sha256: sha256(binary), redacted: false },
  })
  const copied = await run('ssh.upload', { path: 'copy.bin', artefact: saved.output.artefact.id })
  expect(copied.output.sha256).toBe(sha256(binary))
})

test('a file that holds the secret of the step leaves without it', async () => {
  const secret = 'a-password-to-find-99'
  const { privateKey } = with_.sshd.web.clientKey
  addCredential(with_.executor, 'both', with_.sshd.web, {
    secret: { password: secret, private_key: privateKey },
  })
  writeFileSync(inHome('leak.txt'), `password=${secret}`)
  const { output } = await run('ssh.download', { path: 'leak.txt' }, {}, { credential: 'both' })
  expect(output.text).toBe('password=[redacted]')
  const echoed = await run(
    'ssh.exec',
    { command: 'cat leak.txt >&2; exit 9', folder: with_.sshd.web.home },
    {},
    { credential: 'both' },
  )
  expect(echoed.error.message).toBe('The command ended with exit code 9: password=[redacted]')
})

test.each<[string, string, () => Record<string, unknown>, string, string]>([
  ['ssh.upload', 'onto a folder', () => ({ path: 'folder', text: '' }), 'step_failed', 'is not a file'],
  [
    'ssh.upload',
    'into no folder',
    () => ({ path: 'nowhere/x', text: '' }),
    'step_failed',
    'no such file or folder',
  ],
  [
    'ssh.upload',
    'where it may not',
    () => ({ path: '/etc/opsconductor', text: '' }),
    'step_failed',
    'permission was denied',
  ],
  [
    'ssh.upload',
    'into /proc',
    () => ({ path: '/proc/1/oom_adj_x', text: '' }),
    'step_failed',
    'The server could not',
  ],
  [
    'ssh.upload',
    'with ..',
    () => ({ path: '{{ input.up }}/x', text: '' }),
    'validation_failed',
    'must not contain ..',
  ],
  [
    'ssh.upload',
    'with a line end',
    () => ({ path: '{{ input.line }}', text: '' }),
    'validation_failed',
    'control characters',
  ],
  ['ssh.download', 'of a device', () => ({ path: '/dev/zero' }), 'step_failed', 'is not a file'],
  ['ssh.download', 'of a folder', () => ({ path: 'folder' }), 'step_failed', 'is not a file'],
  ['ssh.download', 'of nothing', () => ({ path: 'nothing' }), 'step_failed', 'no such file'],
  [
    'ssh.download',
    'of too much',
    () => ({ path: 'large', bytes_max: 1_000 }),
    'target_answer_too_large',
    '1000 bytes',
  ],
  ['ssh.download', 'of no text', () => ({ path: 'latin1' }), 'step_failed', 'no UTF-8'],
  ['ssh.download', 'of a link to a device', () => ({ path: 'link' }), 'step_failed', 'is not a file'],
])('%s %s fails with a clear error', async (type, _, input, code, words) => {
  if (!existsSync(inHome('folder'))) {
    mkdirSync(inHome('folder'))
    writeFileSync(inHome('large'), 'x'.repeat(2_000))
    writeFileSync(inHome('latin1'), Buffer.from([0xfc, 0x0a]))
    symlinkSync('/dev/zero', inHome('link'))
  }
  const { error } = await run(type, input(), { up: '..', line: 'a\nb' }, { max_attempts: 1 })
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)])
})

test('uploading to a symbolic link replaces the link, and leaves what it led to', async () => {
  writeFileSync(inHome('precious'), 'precious')
  symlinkSync(inHome('precious'), inHome('alias'))
  await run('ssh.upload', { path: 'alias', text: 'new' })
  expect([readFileSync(inHome('precious'), 'utf8'), lstatSync(inHome('alias')).isFile()]).toEqual([
    'precious',
    true,
  ])
})
