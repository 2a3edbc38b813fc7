import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './apt-packages.ts'
import { leaveOut } from './leave-out.ts'
import { ensurePkcs11Binding } from './pkcs11-binding.ts'

const modulePaths = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
]

/** OpenSC's library that stands before another and writes down every call. */
const spyPaths = [
  `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/pkcs11-spy.so`,
  '/usr/lib64/pkcs11-spy.so',
  '/usr/local/lib/pkcs11-spy.so',
  '/opt/homebrew/lib/pkcs11-spy.so',
]

/**
 * Makes SoftHSM ready for the tests, its tokens under `scratch`: the variables that `createTestToken` reads. What is
 * missing and cannot be installed here fails with CI=true, and elsewhere leaves the tests of the HSM out, with one line.
 */
export function prepareSoftHsm(
  scratch: string,
  cacheDirectory: string,
  say: (line: string) => void,
): Record<string, string> {
  const missing = ensureTools(say) ?? ensurePkcs11Binding(cacheDirectory, say)
  const modulePath = modulePaths.find((path) => existsSync(path))
  const spyPath = spyPaths.find((path) => existsSync(path))
  if (missing === undefined && modulePath !== undefined && spyPath !== undefined) {
    const tokens = join(scratch, 'softhsm')
    mkdirSync(tokens, { mode: 0o700 })
    const configuration = join(scratch, 'softhsm2.conf')
    writeFileSync(
      configuration,
      `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`,
    )
    return {
      SOFTHSM2_CONF: configuration,
      TEST_PKCS11_MODULE: modulePath,
      TEST_PKCS11_SPY: spyPath,
      PKCS11SPY: modulePath,
      PKCS11SPY_OUTPUT: join(scratch, 'pkcs11-spy.log'),
    }
  }
  const line = `SoftHSM: ${missing ?? 'libsofthsm2.so or pkcs11-spy.so was not found'}`
  leaveOut('the HSM', line, say)
  return { TEST_PKCS11_MODULE: 'none' }
}

function ensureTools(say: (line: string) => void): string | undefined {
  const runs = (command: string, argument: string) => spawnSync(command, [argument]).error === undefined
  if (runs('softhsm2-util', '--version') && runs('pkcs11-tool', '--help')) return undefined
  return installPackages(['softhsm2', 'opensc'], say)
}
