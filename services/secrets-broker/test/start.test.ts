import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterAll(() => broker.stop())

/** Runs src/main.ts as a process of its own until it ends. */
function start(environment: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, PUBLIC_PORT: '0', INTERNAL_PORT: '0', ...environment }
    // One that does start is ended, or it would outlive the test.
    const options = { env, timeout: 20_000 }
    const child = execFile(process.execPath, [main], options, (_error, _stdout, stderr) =>
      resolve({ code: child.exitCode, stderr }),
    )
  })
}

const complete = () => ({
  DATABASE_URL: broker.config.DATABASE_URL,
  SECRETS_KMS_KEY: kmsKey,
  ORCH_CRED_KEY: credKey,
  INTERNAL_KEY: 'internal-key-for-tests-0123456789',
})

test('003.17 without its keys the service does not start and says "SECRETS_KMS_KEY not set"', async () => {
  const { DATABASE_URL } = complete()
  const { code, stderr } = await start({ DATABASE_URL, SECRETS_KMS_KEY: '' })
  expect(code).toBe(1)
  expect(stderr).toBe('secrets-broker: INTERNAL_KEY not set; SECRETS_KMS_KEY not set\n')
})

test('keys that are too short are refused without being quoted', async () => {
  const { code, stderr } = await start({
    ...complete(),
    SECRETS_KMS_KEY: 'short-kms',
    ORCH_CRED_KEY: 'short-cred',
  })
  expect(code).toBe(1)
  expect(stderr).toMatch(/SECRETS_KMS_KEY: .*16 characters.*ORCH_CRED_KEY: .*16 characters/)
  expect(stderr).not.toMatch(/short-/)
})

test.each([
  ['SECRETS_KMS_KEY', 'host_credentials'],
  ['ORCH_CRED_KEY', 'credentials'],
])(
  'a %s that did not encrypt what is stored is refused at start in one line that names both key ids',
  async (variable, use) => {
    const { code, stderr } = await start({ ...complete(), [variable]: 'another-key-0123456789' })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      new RegExp(
        `^secrets-broker: ${variable}.* is not the key that encrypted the stored ${use}: .*[0-9a-f]{16}.*[0-9a-f]{16}\n$`,
      ),
    )
    expect(stderr).not.toContain('another-key')
  },
)

test('001.19 a database that cannot be reached is one clear line at start', async () => {
  const { code, stderr } = await start({
    ...complete(),
    DATABASE_URL: 'postgresql://u:hidden-word@127.0.0.1:1/x',
  })
  expect([code, stderr]).toEqual([1, 'secrets-broker: the database at DATABASE_URL cannot be reached\n'])
})

test('SECRETS_KMS_KEY serves credentials too where ORCH_CRED_KEY is unset', async () => {
  const alone = await startBroker({ ORCH_CRED_KEY: '', LOG_LEVEL: 'silent' })
  try {
    const { keyring } = alone.deps
    expect(keyring.current('credentials').id).toBe(keyring.current('host_credentials').id)
    expect(broker.deps.keyring.current('credentials').id).not.toBe(keyring.current('credentials').id)
  } finally {
    await alone.stop()
  }
})
