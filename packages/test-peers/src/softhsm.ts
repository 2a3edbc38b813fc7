import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { requirePeer } from './peer.ts'

/** A token of its own in SoftHSM, with keys that OpenSC made. */
export interface TestToken {
  modulePath: string
  tokenLabel: string
  pin: string
  /** An AES-256 key that stays in the token, as a master key must be. */
  keyLabel: string
  /** Keys that must be refused. */
  refusedLabels: { extractable: string; aes128: string; readWithoutPin: string; notAes: string }
  makeKey(label: string, id?: string): void
  /** A library that passes every call on to `modulePath` and writes it down. */
  spyPath: string
  /** How often `spyPath` was asked for a function, as in `C_Login`, since the tests began. */
  countCalls(name: string): number
  delete(): void
}

const module = () => requirePeer('TEST_PKCS11_MODULE', 'SoftHSM')

/** Whether `npm test` could not have SoftHSM on this machine and said so; never in CI, where that is a failure. */
export const softHsmIsMissing = (): boolean => module() === 'none'

/** Makes a token. Its directory is the one that SOFTHSM2_CONF names, which goes with the test run. */
export function createTestToken(): TestToken {
  const tokenLabel = `test-${randomBytes(6).toString('hex')}`
  const modulePath = module()
  const pin = '1234-5678'
  run('softhsm2-util', '--init-token', '--free', '--label', tokenLabel, '--so-pin', '87654321', '--pin', pin)
  const makeKey = (label: string, id: string, type: string, ...access: string[]) =>
    run(
      'pkcs11-tool',
      ...['--module', modulePath, '--token-label', tokenLabel, '--login', '--pin', pin],
      ...['--keygen', '--key-type', type, '--label', label, '--id', id],
      ...access,
    )
  makeKey('master', '01', 'AES:32', '--sensitive', '--private')
  makeKey('extractable', '02', 'AES:32', '--private', '--extractable')
  makeKey('aes128', '03', 'AES:16', '--sensitive', '--private')
  makeKey('read-without-pin', '04', 'AES:32', '--sensitive')
  makeKey('not-aes', '05', 'GENERIC:32', '--sensitive', '--private')
  return {
    modulePath,
    tokenLabel,
    pin,
    keyLabel: 'master',
    refusedLabels: {
      extractable: 'extractable',
      aes128: 'aes128',
      readWithoutPin: 'read-without-pin',
      notAes: 'not-aes',
    },
    makeKey: (label, id = '09') => makeKey(label, id, 'AES:32', '--sensitive', '--private'),
    spyPath: requirePeer('TEST_PKCS11_SPY', 'OpenSC'),
    countCalls,
    delete: () => run('softhsm2-util', '--delete-token', '--token', tokenLabel),
  }
}

function countCalls(name: string): number {
  const log = readFileSync(requirePeer('PKCS11SPY_OUTPUT', 'OpenSC'), 'utf8')
  return log.split('\n').filter((line) => line.endsWith(`: ${name}`)).length
}

function run(command: string, ...arguments_: string[]): void {
  const { status, stderr, error } = spawnSync(command, arguments_, { encoding: 'utf8', timeout: 20_000 })
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr.trim()}`)
}
