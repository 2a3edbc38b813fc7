import * as asn1js from 'asn1js'

/** One element of an ASN.1 structure. */
export type Asn1 = asn1js.BaseBlock

const objectIdentifierBytesMax = 64

/** The one element that `bytes` are, BER or DER. Throws where they are cut, go on after it or nest too deep. */
export function readAsn1(bytes: Uint8Array): Asn1 {
  const { offset, result } = asn1js.fromBER(bytes, { maxDepth: 32, maxNodes: 20_000 })
  if (offset !== bytes.length) throw new Error('not one ASN.1 element')
  return result
}

/** The elements of a sequence, a set or a constructed tag. */
export function childrenOf(element: Asn1 | undefined): Asn1[] {
  if (!(element instanceof asn1js.Constructed)) throw new Error('not constructed')
  return element.valueBlock.value as Asn1[]
}

/** The element inside an explicit tag. */
export function insideOf(element: Asn1 | undefined): Asn1 {
  const [inside, ...more] = childrenOf(element)
  if (inside === undefined || more.length > 0) throw new Error('not one element')
  return inside
}

export function objectIdentifierOf(element: Asn1 | undefined): string {
  if (!(element instanceof asn1js.ObjectIdentifier)) throw new Error('not an object identifier')
  if (element.valueBeforeDecodeView.length > objectIdentifierBytesMax) throw new Error('too long')
  return element.valueBlock.toString()
}

/** A number that is not negative; one of more than 32 bits is Infinity. */
export function integerOf(element: Asn1 | undefined): number {
  if (!(element instanceof asn1js.Integer)) throw new Error('not an integer')
  if (element.valueBlock.isHexOnly) return Number.POSITIVE_INFINITY
  if (element.valueBlock.valueDec < 0) throw new Error('negative')
  return element.valueBlock.valueDec
}

export function booleanOf(element: Asn1 | undefined): boolean {
  if (!(element instanceof asn1js.Boolean)) throw new Error('not a boolean')
  return element.valueBlock.value
}

/** The bytes of an octet string, also of one in pieces or under an implicit tag. */
export function octetsOf(element: Asn1 | undefined): Buffer {
  if (element === undefined) throw new Error('missing')
  if (element.idBlock.isConstructed) {
    const pieces = (element.valueBlock as { value?: Asn1[] }).value ?? []
    return Buffer.concat(pieces.map(octetsOf))
  }
  if (!(element instanceof asn1js.OctetString || element instanceof asn1js.Primitive))
    throw new Error('not an octet string')
  return Buffer.from(element.valueBlock.valueHexView)
}

/** The text of a string of any ASN.1 type; undefined for what is no string. */
export function textOf(element: Asn1 | undefined): string | undefined {
  return element instanceof asn1js.BaseStringBlock ? String(element.valueBlock.value) : undefined
}

/** The number of a context-specific tag; undefined for any other. */
export const contextTagOf = ({ idBlock }: Asn1): number | undefined =>
  idBlock.tagClass === 3 ? idBlock.tagNumber : undefined

/** The bytes that the element was read from. */
export const bytesOf = (element: Asn1): Buffer => Buffer.from(element.valueBeforeDecodeView)

export const toDer = (element: Asn1): Buffer => Buffer.from(element.toBER())

export const sequence = (...value: Asn1[]): Asn1 => new asn1js.Sequence({ value: value as never })

export const set = (...value: Asn1[]): Asn1 => new asn1js.Set({ value: value as never })

export const objectIdentifier = (value: string): Asn1 => new asn1js.ObjectIdentifier({ value })

export const integer = (value: number): Asn1 => new asn1js.Integer({ value })

export const octets = (bytes: Uint8Array): Asn1 => new asn1js.OctetString({ valueHex: bytes })

export const nothing = (): Asn1 => new asn1js.Null()

export const explicit = (tagNumber: number, inside: Asn1): Asn1 =>
  new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [inside as never] })

export const implicitOctets = (tagNumber: number, bytes: Uint8Array): Asn1 =>
  new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: bytes })

export const wideText = (value: string): Asn1 => new asn1js.BmpString({ value })
