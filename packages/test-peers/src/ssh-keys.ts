import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestSshKey {
  /** As ssh-keygen writes it. */
  privateKey: string
  /** One line: type, Base64, comment. */
  publicKey: string
  /** `SHA256:…` */
  fingerprint: string
}

/** A key made by OpenSSH itself: ssh2's own generator makes a broken one of 256. */
export function createSshKey({
  type = 'ed25519',
  bits,
  passphrase = '',
  pem = false,
}: {
  type?: 'ed25519' | 'ecdsa' | 'rsa'
  bits?: number
  passphrase?: string
  pem?: boolean
} = {}): TestSshKey {
  return inScratch((directory) => {
    const file = join(directory, 'key')
    execFileSync('ssh-keygen', [
      ...['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', file],
      ...(bits === undefined ? [] : ['-b', String(bits)]),
      ...(pem ? ['-m', 'PEM'] : []),
    ])
    return {
      privateKey: readFileSync(file, 'utf8'),
      publicKey: readFileSync(`${file}.pub`, 'utf8').trim(),
      fingerprint:
        execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '',
    }
  })
}

/** An OpenSSH certificate of `publicKey`, one line. `validity`: as ssh-keygen's -V. */
export function signSshCertificate(
  authority: TestSshKey,
  publicKey: string,
  { host = false, principals = [] as string[], validity = '-5m:+1h', options = [] as string[] } = {},
): string {
  return inScratch((directory) => {
    const [ca, key] = [join(directory, 'ca'), join(directory, 'key.pub')]
    writeFileSync(ca, authority.privateKey, { mode: 0o600 })
    writeFileSync(key, `${publicKey}\n`)
    execFileSync('ssh-keygen', [
      ...['-q', '-s', ca, '-I', 'test', '-V', validity],
      ...(host ? ['-h'] : []),
      ...(principals.length > 0 ? ['-n', principals.join(',')] : []),
      ...options.flatMap((option) => ['-O', option]),
      key,
    ])
    return readFileSync(join(directory, 'key-cert.pub'), 'utf8').trim()
  })
}

function inScratch<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'ssh-keys-'))
  try {
    return work(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
