import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const config = (directory: string) => `
[ca]
default_ca = dated
[dated]
database = ${directory}/index.txt
new_certs_dir = ${directory}
certificate = ${directory}/ca.crt
private_key = ${directory}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = optional
[leaf]
subjectAltName = DNS:a.example.test
authorityKeyIdentifier = keyid
`

/** Signs requests for `a.example.test`, valid from and until whenever one likes. */
export function createDatedCa() {
  const directory = mkdtempSync(join(tmpdir(), 'dated-ca-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  writeFileSync(join(directory, 'index.txt'), '')
  writeFileSync(join(directory, 'ca.cnf'), config(directory))
  openssl(
    ...[
      'req',
      '-x509',
      '-days',
      '3650',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
    ],
    ...['-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=dated CA'],
  )
  const root = readFileSync(join(directory, 'ca.crt'), 'utf8')
  const asn1 = (time: number) => `${new Date(time).toISOString().replace(/[-:T]|\..*/g, '')}Z`
  return {
    /** PEM, with the root. */
    sign(csrPem: string, notBefore: number, notAfter: number): string {
      writeFileSync(join(directory, 'csr'), csrPem)
      openssl(
        ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', 'csr', '-out', 'crt', '-subj', '/CN=a'],
        ...['-startdate', asn1(notBefore), '-enddate', asn1(notAfter)],
      )
      return readFileSync(join(directory, 'crt'), 'utf8') + root
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}
