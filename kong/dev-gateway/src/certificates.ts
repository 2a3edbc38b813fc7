import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import forge from 'node-forge'

const dayMs = 86_400_000
const renewBeforeMs = 30 * dayMs

export interface ServerCertificate {
  key: string
  cert: string
}

interface Issuer {
  key: string
  cert: string
}

/** Written beside and renamed, so that a crash leaves no half key; private to the user. */
function writePrivate(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode: 0o600 })
  renameSync(temporary, file)
}

function issue(
  commonName: string,
  days: number,
  issuer: Issuer | undefined,
  extensions: object[],
): { key: string; cert: string } {
  // Node's generator: forge makes RSA keys in plain JavaScript, which takes seconds.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string
  const forgeKey = forge.pki.privateKeyFromPem(key)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(forgeKey.n, forgeKey.e)
  // A leading zero nibble keeps the serial positive (RFC 5280 section 4.1.2.2).
  certificate.serialNumber = `0${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(Date.now() - dayMs)
  certificate.validity.notAfter = new Date(Date.now() + days * dayMs)
  const subject = [
    { name: 'organizationName', value: 'OpsConductor dev gateway' },
    { name: 'commonName', value: commonName },
  ]
  certificate.setSubject(subject)
  certificate.setIssuer(issuer ? forge.pki.certificateFromPem(issuer.cert).subject.attributes : subject)
  certificate.setExtensions(extensions)
  certificate.sign(issuer ? forge.pki.privateKeyFromPem(issuer.key) : forgeKey, forge.md.sha256.create())
  return { key, cert: forge.pki.certificateToPem(certificate) }
}

const stillGood = (pem: string) => Date.parse(new X509Certificate(pem).validTo) - Date.now() > renewBeforeMs

function pair(
  dir: string,
  name: string,
  keyName: string,
  usable: (cert: string) => boolean,
  make: () => Issuer,
): Issuer {
  const keyFile = join(dir, keyName)
  const certFile = join(dir, name)
  if (existsSync(keyFile) && existsSync(certFile)) {
    const found = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
    if (stillGood(found.cert) && usable(found.cert)) return found
  }
  const made = make()
  writePrivate(keyFile, made.key)
  writePrivate(certFile, made.cert)
  return made
}

/**
 * A local CA (`ca.pem` is what clients trust) and a certificate for this machine's own names, made
 * once and again a month before they end.
 */
export function loadCertificates(dir: string, host: string): ServerCertificate {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  const ca = pair(
    dir,
    'ca.pem',
    'ca-key.pem',
    () => true,
    () =>
      issue('OpsConductor local CA', 3650, undefined, [
        { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
        { name: 'subjectKeyIdentifier' },
      ]),
  )
  const caCertificate = new X509Certificate(ca.cert)
  const addresses = new Set([
    '127.0.0.1',
    '::1',
    ...(isIP(host) && host !== '0.0.0.0' && host !== '::' ? [host] : []),
  ])
  const names = new Set(['localhost', ...(isIP(host) ? [] : [host])])
  const covers = (cert: string) => {
    const certificate = new X509Certificate(cert)
    const named = [...names].every((name) => certificate.checkHost(name) !== undefined)
    const addressed = [...addresses].every((ip) => certificate.checkIP(ip) !== undefined)
    return certificate.verify(caCertificate.publicKey) && named && addressed
  }
  return pair(dir, 'server.pem', 'server-key.pem', covers, () =>
    issue('localhost', 397, ca, [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...[...names].map((value) => ({ type: 2, value })),
          ...[...addresses].map((ip) => ({ type: 7, ip })),
        ],
      },
    ]),
  )
}
