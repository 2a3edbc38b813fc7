import * as asn1js from 'asn1js'
import {
  type Asn1,
  booleanOf,
  childrenOf,
  contextTagOf,
  integerOf,
  objectIdentifierOf,
  octetsOf,
  readAsn1,
} from './asn1.ts'
import { type GeneralName, readGeneralName } from './names.ts'

export interface NameConstraints {
  permitted: GeneralName[]
  excluded: GeneralName[]
}

/** What the extensions of a certificate say, as far as a chain depends on it. */
export interface CertificateExtensions {
  isCa: boolean
  /** How many authorities may follow below this one; undefined: any number. */
  pathLength: number | undefined
  /** keyUsage: whether the key may sign certificates; undefined: nothing is said. */
  maySignCertificates: boolean | undefined
  /** Object identifiers; undefined: any purpose. */
  purposes: string[] | undefined
  alternativeNames: GeneralName[]
  /** The identifier of the key that signed it; undefined: nothing is said. */
  authorityKeyId: Buffer | undefined
  nameConstraints: NameConstraints | undefined
  /** The object identifiers of critical extensions that are not understood here. */
  unknownCritical: string[]
}

export interface RawExtension {
  id: string
  critical: boolean
  value: Uint8Array
}

/** Critical ones that change nothing where no certificate policy is asked for: the key's identifier, policies, places of lists. */
const harmless = new Set([
  '2.5.29.14',
  '2.5.29.18',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.54',
  '1.3.6.1.5.5.7.1.1',
])

/** Throws where an extension is there twice (RFC 5280 section 4.2) or is not what its type says. */
export function readExtensions(raw: readonly RawExtension[]): CertificateExtensions {
  if (new Set(raw.map(({ id }) => id)).size < raw.length) throw new Error('an extension is there twice')
  const found: CertificateExtensions = {
    isCa: false,
    pathLength: undefined,
    maySignCertificates: undefined,
    purposes: undefined,
    alternativeNames: [],
    authorityKeyId: undefined,
    nameConstraints: undefined,
    unknownCritical: [],
  }
  for (const { id, critical, value } of raw) {
    const read = readers[id]
    if (read !== undefined) read(readAsn1(value), found)
    else if (critical && !harmless.has(id)) found.unknownCritical.push(id)
  }
  return found
}

const readers: Record<string, (value: Asn1, found: CertificateExtensions) => void> = {
  /** basicConstraints */
  '2.5.29.19'(value, found) {
    const parts = childrenOf(value)
    found.isCa = parts[0] instanceof asn1js.Boolean && booleanOf(parts.shift())
    if (parts[0] !== undefined) found.pathLength = integerOf(parts[0])
  },
  /** keyUsage, whose sixth bit is keyCertSign. */
  '2.5.29.15'(value, found) {
    if (!(value instanceof asn1js.BitString)) throw new Error('not a bit string')
    found.maySignCertificates = ((value.valueBlock.valueHexView[0] ?? 0) & 0x04) !== 0
  },
  /** extKeyUsage */
  '2.5.29.37'(value, found) {
    found.purposes = childrenOf(value).map(objectIdentifierOf)
  },
  /** subjectAltName */
  '2.5.29.17'(value, found) {
    found.alternativeNames = childrenOf(value).map((name) => readGeneralName(name, [4, 16]))
  },
  /** authorityKeyIdentifier */
  '2.5.29.35'(value, found) {
    const id = childrenOf(value).find((element) => contextTagOf(element) === 0)
    if (id !== undefined) found.authorityKeyId = octetsOf(id)
  },
  /** nameConstraints */
  '2.5.29.30'(value, found) {
    const lists = childrenOf(value)
    found.nameConstraints = { permitted: readSubtrees(lists, 0), excluded: readSubtrees(lists, 1) }
  },
}

/** RFC 5280 section 4.2.1.10 knows no minimum but 0, which DER leaves out, and no maximum. */
function readSubtrees(lists: Asn1[], tag: number): GeneralName[] {
  const list = lists.find((element) => contextTagOf(element) === tag)
  if (list === undefined) return []
  return childrenOf(list).map((subtree) => {
    const [base, ...distances] = childrenOf(subtree)
    if (base === undefined || distances.length > 0) throw new Error('a subtree with distances')
    return readGeneralName(base, [8, 32])
  })
}
