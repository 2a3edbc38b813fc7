import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificates {
  /** PEM of the authority that signed both. */
  ca: string
  server: { key: string; cert: string }
  client: { key: string; cert: string }
}

/** An authority of a day with a server's certificate (of 127.0.0.1, localhost and names under it) and a client's, by openssl. */
export function createTestCertificates(
  serverNames: readonly string[] = ['localhost', '*.vaults.localhost'],
): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), 'test-certificates-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const read = (file: string) => readFileSync(join(directory, file), 'utf8')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const issue = (name: string, extensions: string) => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    writeFileSync(join(directory, 'extensions'), extensions)
    openssl(
      ...['x509', '-req', '-days', '1', '-in', `${name}.csr`, '-out', `${name}.crt`],
      ...['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'],
    )
    return { key: read(`${name}.key`), cert: read(`${name}.crt`) }
  }
  try {
    openssl(
      'req',
      '-x509',
      '-days',
      '1',
      ...newKey,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-subj',
      '/CN=test CA',
    )
    return {
      ca: read('ca.crt'),
      server: issue(
        'server',
        `subjectAltName=${['IP:127.0.0.1', ...serverNames.map((name) => `DNS:${name}`)]}\n`,
      ),
      client: issue('client', 'extendedKeyUsage=clientAuth\n'),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
