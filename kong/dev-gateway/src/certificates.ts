import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

const dayMs = 86_400_000

interface Pair {
  key: string
  cert: string
}

/** Written beside and renamed, so that a crash leaves no half key; private to the user. */
function writePrivate(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text, { mode: 0o600 })
  renameSync(temporary, file)
}

async function issue(
  commonName: string,
  days: number,
  issuer: Pair | undefined,
  extensions: object[],
): Promise<Pair> {
  // Large, and of use at the first start only.
  const { default: forge } = await import('node-forge')
  // Node's generator: forge makes RSA keys in plain JavaScript, which takes seconds.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string
  const forgeKey = forge.pki.privateKeyFromPem(key)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(forgeKey.n, forgeKey.e)
  certificate.serialNumber = serialNumberOf(randomBytes(15))
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

/**
 * Positive (RFC 5280, 4.1.2.2), and in DER as short as it can be, whatever the bytes are: forge writes leading zeros out, and
 * OpenSSL refuses them.
 */
export const serialNumberOf = (random: Buffer): string => `40${random.toString('hex')}`

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** The pair that is in the folder, unless it is damaged, has ended or is `usable` no more; else a new one. */
async function pair(
  dir: string,
  name: string,
  usable: (cert: X509Certificate) => boolean,
  make: () => Promise<Pair>,
): Promise<Pair> {
  const [keyFile, certFile] = [join(dir, `${name}-key.pem`), join(dir, `${name}.pem`)]
  if (existsSync(keyFile) && existsSync(certFile)) {
    const found = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
    const certificate = readCertificate(found.cert)
    if (certificate && certificate.validToDate.getTime() > Date.now() + dayMs && usable(certificate))
      return found
  }
  const made = await make()
  writePrivate(keyFile, made.key)
  writePrivate(certFile, made.cert)
  return made
}

/** A local CA (`ca.pem` is what clients trust) and a certificate for this machine's own names, made once. */
export async function loadCertificates(dir: string, host: string): Promise<Pair> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const ca = await pair(
    dir,
    'ca',
    () => true,
    () =>
      issue('OpsConductor local CA', 3650, undefined, [
        { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
        { name: 'subjectKeyIdentifier' },
      ]),
  )
  const caKey = new X509Certificate(ca.cert).publicKey
  const names = ['localhost', '127.0.0.1', '::1', host]
  const usable = (cert: X509Certificate) =>
    cert.verify(caKey) && names.every((name) => cert.checkHost(name) ?? cert.checkIP(name))
  return pair(dir, 'server', usable, () =>
    issue('localhost', 397, ca, [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ]),
  )
}
