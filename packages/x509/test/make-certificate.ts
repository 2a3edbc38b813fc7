import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import * as asn1js from 'asn1js'
import {
  type Asn1,
  childrenOf,
  explicit,
  implicitOctets,
  integer,
  objectIdentifier,
  octets,
  readAsn1,
  sequence,
  set,
  toDer,
} from '../src/asn1.ts'
import { type Certificate, parseCertificate } from '../src/certificate.ts'

/** A certificate and its key, with which it can sign others. */
export interface Identity {
  name: string
  certificate: Certificate
  key: KeyObject
}

export interface CertificateWishes {
  issuer?: Identity
  /** To sign with another key than the issuer's. */
  signingKey?: KeyObject
  key?: KeyObject
  notBefore?: string
  notAfter?: string
  /** An authority gets basicConstraints and keyUsage, unless `extensions` has its own. */
  ca?: boolean
  pathLength?: number
  dns?: string[]
  /** All of them, instead of the usual ones. */
  extensions?: Asn1[]
  more?: Asn1[]
  sha1?: boolean
  /** Further attributes of the subject: object identifier and text. */
  attributes?: [string, string][]
}

export const makeKey = (namedCurve = 'P-256'): KeyObject =>
  generateKeyPairSync('ec', { namedCurve }).privateKey

let serial = 1000

/** A real certificate, signed in DER here, so that each of its parts can be wrong alone. */
export function makeCertificate(name: string, wishes: CertificateWishes = {}): Identity {
  const key = wishes.key ?? makeKey()
  return { name, key, certificate: parseCertificate(makeDer(name, key, wishes)) }
}

/** The certificate alone, which nobody has parsed yet. */
export function makeDer(name: string, key: KeyObject, wishes: CertificateWishes = {}): Buffer {
  const signer = wishes.signingKey ?? wishes.issuer?.key ?? key
  const algorithm = algorithmOf(signer, wishes.sha1)
  const issuer = wishes.issuer
  serial += 1
  const body = sequence(
    explicit(0, integer(2)),
    integer(serial),
    algorithm,
    issuer === undefined ? nameOf(name, wishes.attributes) : subjectOf(issuer.certificate),
    sequence(time(wishes.notBefore ?? '2026-01-01'), time(wishes.notAfter ?? '2028-01-01')),
    nameOf(name, wishes.attributes),
    publicKeyOf(key),
    explicit(3, sequence(...(wishes.extensions ?? usualExtensions(wishes)), ...(wishes.more ?? []))),
  )
  const der = toDer(body)
  const digest = signer.asymmetricKeyType === 'ed25519' ? null : wishes.sha1 ? 'sha1' : 'sha256'
  const signature = new asn1js.BitString({ valueHex: sign(digest, der, signer) })
  return toDer(sequence(body, algorithm, signature))
}

/** Root, intermediate and leaf, each signed by the one before. */
export function makeChain(leaf: CertificateWishes = { dns: ['www.example.com'] }): {
  root: Identity
  intermediate: Identity
  leaf: Identity
} {
  const root = makeCertificate('Root', { ca: true })
  const intermediate = makeCertificate('Intermediate', { ca: true, issuer: root })
  return { root, intermediate, leaf: makeCertificate('leaf', { issuer: intermediate, ...leaf }) }
}

export const extension = (id: string, critical: boolean, value: Asn1): Asn1 =>
  sequence(
    objectIdentifier(id),
    ...(critical ? [new asn1js.Boolean({ value: true })] : []),
    octets(toDer(value)),
  )

export const authority = (isCa: boolean, pathLength?: number): Asn1 =>
  extension(
    '2.5.29.19',
    true,
    sequence(
      ...(isCa ? [new asn1js.Boolean({ value: true })] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ),
  )

/** keyCertSign and cRLSign, or digitalSignature. */
export const keyUsage = (maySign: boolean): Asn1 =>
  extension(
    '2.5.29.15',
    true,
    new asn1js.BitString({ valueHex: Uint8Array.of(maySign ? 0x06 : 0x80), unusedBits: maySign ? 1 : 7 }),
  )

export const purposes = (...ids: string[]): Asn1 =>
  extension('2.5.29.37', false, sequence(...ids.map(objectIdentifier)))

export const ofDns = (host: string): Asn1 => implicitOctets(2, Buffer.from(host, 'latin1'))

export const ofEmail = (address: string): Asn1 => implicitOctets(1, Buffer.from(address, 'latin1'))

export const ofUri = (uri: string): Asn1 => implicitOctets(6, Buffer.from(uri, 'latin1'))

export const ofIp = (...bytes: number[]): Asn1 => implicitOctets(7, Uint8Array.from(bytes))

export const ofDirectory = (name: string): Asn1 => explicit(4, nameOf(name))

export const alternativeNames = (...names: Asn1[]): Asn1 => extension('2.5.29.17', false, sequence(...names))

export function nameConstraints(lists: { permitted?: Asn1[]; excluded?: Asn1[] }): Asn1 {
  const list = (tagNumber: number, bases: Asn1[] | undefined): Asn1[] =>
    bases === undefined
      ? []
      : [
          new asn1js.Constructed({
            idBlock: { tagClass: 3, tagNumber },
            value: bases.map((base) => sequence(base)) as never,
          }),
        ]
  return extension('2.5.29.30', true, sequence(...list(0, lists.permitted), ...list(1, lists.excluded)))
}

function usualExtensions({ ca = false, pathLength, dns }: CertificateWishes): Asn1[] {
  const names = dns === undefined ? [] : [alternativeNames(...dns.map(ofDns))]
  return ca ? [authority(true, pathLength), keyUsage(true), ...names] : [authority(false), ...names]
}

function algorithmOf(key: KeyObject, sha1 = false): Asn1 {
  if (key.asymmetricKeyType === 'ed25519') return sequence(objectIdentifier('1.3.101.112'))
  if (key.asymmetricKeyType === 'rsa')
    return sequence(objectIdentifier('1.2.840.113549.1.1.11'), new asn1js.Null())
  return sequence(objectIdentifier(sha1 ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'))
}

const publicKeyOf = (key: KeyObject): Asn1 =>
  readAsn1(createPublicKey(key).export({ format: 'der', type: 'spki' }))

const nameOf = (commonName: string, attributes: [string, string][] = []): Asn1 => {
  const pairs: [string, string][] = [['2.5.4.10', 'OpsConductor'], ...attributes, ['2.5.4.3', commonName]]
  return sequence(
    ...pairs.map(([id, value]) => set(sequence(objectIdentifier(id), new asn1js.Utf8String({ value })))),
  )
}

/** The subject as it stands in the certificate: after version, serial number, algorithm, issuer and dates. */
const subjectOf = ({ der }: Certificate): Asn1 => childrenOf(childrenOf(readAsn1(der))[0])[5] as Asn1

const time = (text: string): Asn1 => new asn1js.UTCTime({ valueDate: new Date(text) })
