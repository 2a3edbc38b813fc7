import type { KeyObject } from 'node:crypto'
import {
  buildChain,
  type Certificate,
  CertificateFault,
  type CertificateFaultCode,
  certificatesToPem,
  describeCertificate,
  findLeaf,
  keyToPem,
  parsePem,
  readPkcs12,
} from '@opsconductor/x509'
import type { CertificateColumns, CredentialFault } from './define-credential-type.ts'
import { decodeBase64 } from './field-schemas.ts'
import { createThreadQueue } from './run-in-thread.ts'

/** The fields of an x509 credential as they were given; `private_key` and `certificate` may hold the chain too. */
export interface GivenX509 {
  private_key?: string | undefined
  pkcs12?: string | undefined
  passphrase?: string | undefined
  certificate?: string | undefined
  certificate_chain?: string | undefined
}

export type ReadX509 = { privateKey: string; columns: CertificateColumns } | { faults: CredentialFault[] }

type Path = CredentialFault['path']

const queue = createThreadQueue<{ given: GivenX509; now: Date }, ReadX509>({
  module: new URL('./x509-thread.ts', import.meta.url),
  waitingMax: 8,
  timeoutMs: 20_000,
})

/**
 * The private key in PKCS #8 and its certificate with the chain in order, or all that is wrong with them. What is
 * encrypted is opened in a thread, one at a time.
 */
export async function readX509(given: GivenX509, now: Date): Promise<ReadX509> {
  const isEncrypted = given.pkcs12 !== undefined || given.private_key?.includes('ENCRYPTED') === true
  return isEncrypted ? queue.run({ given, now }) : readX509Now(given, now)
}

/** Blocks its thread for as long as opening it takes. */
export function readX509Now(given: GivenX509, now: Date): ReadX509 {
  const faults: CredentialFault[] = []
  const main = readPart(mainPathOf(given), faults, () => readMain(given))
  const certificate = readPart('extra.certificate', faults, () => readCertificates(given.certificate))
  const chain = readPart('extra.certificate_chain', faults, () => readCertificates(given.certificate_chain))
  if (main === undefined || certificate === undefined || chain === undefined) return { faults }
  const [key] = main.keys
  const certificatePath = given.certificate === undefined ? mainPathOf(given) : 'extra.certificate'
  const all = [...certificate, ...main.certificates, ...chain]
  const leaf = readPart(certificatePath, faults, () => findLeaf(all, key as KeyObject))
  if (leaf === undefined) return { faults }
  return chainUp({ given, leaf, candidates: all, key: key as KeyObject, certificatePath, now })
}

const mainPathOf = ({ pkcs12 }: GivenX509): Path =>
  pkcs12 === undefined ? 'secret.private_key' : 'secret.pkcs12'

/** Faults of the passphrase are the passphrase's; all others are of the part itself. */
function readPart<Part>(path: Path, faults: CredentialFault[], read: () => Part): Part | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    const isPassphrase = passphraseCodes.includes(error.code)
    faults.push({ path: isPassphrase ? 'secret.passphrase' : path, message: `is refused: ${error.message}` })
    return undefined
  }
}

const passphraseCodes: CertificateFaultCode[] = ['passphrase_required', 'wrong_passphrase']

function readMain({ private_key, pkcs12, passphrase }: GivenX509): {
  certificates: Certificate[]
  keys: KeyObject[]
} {
  const read =
    pkcs12 === undefined
      ? parsePem(private_key ?? '', passphrase === undefined ? {} : { passphrase })
      : readPkcs12(bytesOf(pkcs12), passphrase ?? '')
  if (read.keys.length === 0) throw new CertificateFault('no_key', 'It holds no private key.')
  if (read.keys.length > 1) throw new CertificateFault('too_many', 'It holds more than one private key.')
  return read
}

function bytesOf(base64: string): Buffer {
  const bytes = decodeBase64(base64.replace(/\s+/g, ''))
  if (bytes === undefined) throw new CertificateFault('malformed_pkcs12', 'It is not Base64.')
  return bytes
}

function readCertificates(pem: string | undefined): Certificate[] {
  if (pem === undefined) return []
  const { certificates, keys } = parsePem(pem)
  if (keys.length > 0) throw new CertificateFault('unsupported_content', 'A private key must not be here.')
  return certificates
}

/** Whom the project trusts is not asked: the credential is shown to others, who have roots of their own. */
function chainUp(request: {
  given: GivenX509
  leaf: Certificate
  candidates: Certificate[]
  key: KeyObject
  certificatePath: Path
  now: Date
}): ReadX509 {
  const { given, leaf, candidates, key, certificatePath, now } = request
  const { ok, chain, faults } = buildChain({ leaf, candidates, key, now })
  const chainPath = given.certificate_chain === undefined ? certificatePath : 'extra.certificate_chain'
  if (!ok)
    return {
      faults: faults.map(({ certificate, message }) => ({
        path: certificate === leaf ? certificatePath : chainPath,
        message: `is refused: ${message}`,
      })),
    }
  const above = chain.slice(1)
  return {
    privateKey: keyToPem(key),
    columns: {
      certificate: certificatesToPem([leaf]),
      certificateChain: above.length === 0 ? null : certificatesToPem(above),
      certificateFormat: given.pkcs12 === undefined ? 'pem' : 'pkcs12',
      certificateExpiresAt: describeCertificate(leaf).notAfter,
    },
  }
}
