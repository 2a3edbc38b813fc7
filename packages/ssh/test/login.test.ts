import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSshKey, type SshdPeer, signSshCertificate, startSshd } from '@opsconductor/test-peers'
import { runCommand, type SshLogin } from '../src/index.ts'
import { connectTo, faultOf, known, never } from './support.ts'

const passphrase = 'pass phrase 1'
const keys = {
  ed25519: createSshKey(),
  'ecdsa 384': createSshKey({ type: 'ecdsa', bits: 384 }),
  'ecdsa 521 in PEM': createSshKey({ type: 'ecdsa', bits: 521, pem: true }),
  rsa: createSshKey({ type: 'rsa', bits: 2048 }),
  'rsa in PEM': createSshKey({ type: 'rsa', bits: 2048, pem: true }),
}
const encrypted = {
  ed25519: createSshKey({ passphrase }),
  ecdsa: createSshKey({ type: 'ecdsa', passphrase }),
  rsa: createSshKey({ type: 'rsa', bits: 2048, passphrase }),
  'rsa in PEM': createSshKey({ type: 'rsa', bits: 2048, passphrase, pem: true }),
}
const authority = createSshKey()
const certified = {
  ed25519: createSshKey(),
  ecdsa: createSshKey({ type: 'ecdsa' }),
  rsa: createSshKey({ type: 'rsa', bits: 2048 }),
}

let sshd: SshdPeer
beforeAll(async () => {
  const authorized = [...Object.values(keys), ...Object.values(encrypted)]
  sshd = await startSshd({ userAuthority: authority, authorizedKeys: authorized.map((key) => key.publicKey) })
})
afterAll(() => sshd?.close())

/** What the server calls who logged in. */
async function nameAfter(login: Omit<SshLogin, 'username'>, server = sshd): Promise<string> {
  const connection = await connectTo(server, { login: { username: server.username, ...login } })
  try {
    const run = { command: 'id -un', outputBytesMax: 100, signal: never }
    return (await runCommand(connection, run)).stdout.toString().trim()
  } finally {
    connection.close()
  }
}

test.each(Object.entries(keys))('a key logs in: %s', async (_, { privateKey }) => {
  expect(await nameAfter({ privateKey })).toBe(sshd.username)
})

test.each(Object.entries(encrypted))('an encrypted key logs in: %s', async (_, { privateKey }) => {
  expect(await nameAfter({ privateKey, passphrase })).toBe(sshd.username)
})

test('opening an encrypted key does not hold up the event loop', async () => {
  let turns = 0
  const beat = setInterval(() => turns++, 5)
  await nameAfter({ privateKey: encrypted.rsa.privateKey, passphrase })
  clearInterval(beat)
  expect(turns).toBeGreaterThan(20)
})

test.each(Object.entries(certified))('000.24 a user certificate logs in: %s', async (_, key) => {
  const certificate = signSshCertificate(authority, key.publicKey, { principals: [sshd.username] })
  expect(await nameAfter({ privateKey: key.privateKey, certificate })).toBe(sshd.username)
})

test('a user certificate that has ended, or of another user, does not', async () => {
  const { privateKey, publicKey } = certified.ed25519
  for (const more of [{ validity: '-2h:-1h', principals: [sshd.username] }, { principals: ['somebody'] }])
    expect(
      await faultOf(nameAfter({ privateKey, certificate: signSshCertificate(authority, publicKey, more) })),
    ).toMatch(/^target_refused: The SSH server refused the login/)
})

test('a password logs in', async () => {
  if (sshd.password === undefined) return
  expect(await nameAfter({ password: sshd.password })).toBe(sshd.username)
})

test('a password is given to a server that asks for it by keyboard-interactive', async () => {
  if (sshd.password === undefined) return
  const asking = await startSshd({
    config: ['PasswordAuthentication no', 'KbdInteractiveAuthentication yes'],
  })
  try {
    expect(await nameAfter({ password: sshd.password }, asking)).toBe(sshd.username)
    expect(await faultOf(nameAfter({ password: 'wrong one' }, asking))).toMatch(/^target_refused/)
  } finally {
    await asking.close()
  }
})

test('a server that wants key and password gets both', async () => {
  if (sshd.password === undefined) return
  const strict = await startSshd({ config: ['AuthenticationMethods publickey,password'] })
  try {
    const { privateKey } = strict.clientKey
    expect(await nameAfter({ privateKey, password: sshd.password }, strict)).toBe(sshd.username)
    expect(await faultOf(nameAfter({ privateKey }, strict))).toMatch(/^target_refused/)
  } finally {
    await strict.close()
  }
})

const stranger = createSshKey()
test.each<[string, Partial<SshLogin>, RegExp]>([
  [
    'a key that is not authorized',
    { privateKey: stranger.privateKey },
    /^target_refused: The SSH server refused/,
  ],
  ['a wrong password', { password: 'not this one' }, /^target_refused: The SSH server refused/],
  ['an unknown user', { username: 'nobody-there', password: 'whatever' }, /^target_refused/],
  ['nothing to log in with', {}, /^target_refused/],
  [
    'a wrong passphrase',
    { privateKey: encrypted.rsa.privateKey, passphrase: 'not this one' },
    /^step_failed: The private key cannot/,
  ],
  ['no passphrase', { privateKey: encrypted.rsa.privateKey }, /^step_failed: The private key cannot/],
  ['a key that is none', { privateKey: 'my dog has fleas' }, /^step_failed: The private key cannot/],
  ['a public key', { privateKey: stranger.publicKey }, /^step_failed: The private key cannot/],
  ['a megabyte as key', { privateKey: 'A'.repeat(1_000_000) }, /^step_failed: The private key cannot/],
  [
    'a certificate that is none',
    { privateKey: stranger.privateKey, certificate: 'x y' },
    /^step_failed: The SSH certificate/,
  ],
  [
    'a user name with a line end',
    { username: 'root\nroot', password: 'whatever' },
    /^step_failed: The user name/,
  ],
])('%s does not log in, and its error says so without quoting it', async (_, login, fault) => {
  const error = await faultOf(connectTo(sshd, { login: { username: sshd.username, ...login } }))
  expect(error).toMatch(fault)
  for (const part of [login.password, login.passphrase, login.privateKey?.split('\n')[2]])
    if (part !== undefined) expect(error).not.toContain(part)
})

test('a wrong password is tried once: it counts against the user', async () => {
  if (sshd.password === undefined) return
  const counting = await startSshd({ config: ['MaxAuthTries 2', 'KbdInteractiveAuthentication yes'] })
  try {
    const login = { username: counting.username, password: 'not this one' }
    // A second try would end the connection in the server's own way.
    expect(await faultOf(connectTo(counting, { login }))).toMatch(/refused the login/)
  } finally {
    await counting.close()
  }
})

test('the version of ssh2 is the one that its added parts were tried with', () => {
  const url = new URL(import.meta.resolve('ssh2/package.json'))
  expect(JSON.parse(readFileSync(url, 'utf8')).version).toBe('1.17.0')
})

test('nothing secret is sent before the host key is trusted', async () => {
  const error = await faultOf(
    connectTo(sshd, { knownHostKeys: [known(stranger)], login: { username: 'x', password: 'secret-1' } }),
  )
  expect(error).toMatch(/^target_refused: THE HOST KEY OF h1\.example:22 HAS CHANGED/)
})
