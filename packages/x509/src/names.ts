import { type Asn1, bytesOf, childrenOf, contextTagOf, objectIdentifierOf, octetsOf, textOf } from './asn1.ts'

/** A distinguished name, so written that equal names (RFC 5280 section 7.1: case and spaces apart) are equal texts. */
export interface DistinguishedName {
  /** One text for each relative distinguished name, the outermost (usually the country) first. */
  parts: string[]
  /** The e-mail addresses that old certificates keep in the name. */
  emails: string[]
}

/** A name in a certificate's alternative names or in a name constraint. `other` is a kind that nobody here can judge. */
export type GeneralName =
  | { kind: 'dns' | 'email' | 'uri'; value: string } // host names in lower case
  | { kind: 'ip'; value: Buffer }
  | { kind: 'directory'; value: DistinguishedName }
  | { kind: 'other'; value: number }

const emailAddress = '1.2.840.113549.1.9.1'

export function readDistinguishedName(name: Asn1): DistinguishedName {
  const emails: string[] = []
  const parts = childrenOf(name).map((part) => {
    const attributes = childrenOf(part).map((attribute) => {
      const [type, value] = childrenOf(attribute)
      const oid = objectIdentifierOf(type)
      const text = textOf(value)
      if (oid === emailAddress && text !== undefined) emails.push(text)
      return [oid, text === undefined && value ? bytesOf(value).toString('hex') : foldText(text ?? '')]
    })
    return JSON.stringify(attributes.sort())
  })
  return { parts, emails }
}

const foldText = (text: string): string => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()

export const isSameName = (one: DistinguishedName, other: DistinguishedName): boolean =>
  one.parts.length === other.parts.length && startsWithName(one, other)

/** Whether `name` is `base` or lies below it. */
export const startsWithName = (name: DistinguishedName, base: DistinguishedName): boolean =>
  base.parts.every((part, index) => part === name.parts[index])

/** `ipLengths`: how many bytes an address has here: 4 and 16, or twice that where a mask follows. */
export function readGeneralName(name: Asn1, ipLengths: readonly number[]): GeneralName {
  const tag = contextTagOf(name)
  if (tag === 1) return { kind: 'email', value: asciiOf(name) }
  if (tag === 2) return { kind: 'dns', value: asciiOf(name).toLowerCase() }
  if (tag === 4) return { kind: 'directory', value: readDistinguishedName(childrenOf(name)[0] as Asn1) }
  if (tag === 6) return { kind: 'uri', value: asciiOf(name) }
  if (tag !== 7) return { kind: 'other', value: tag ?? -1 }
  const address = octetsOf(name)
  if (!ipLengths.includes(address.length)) throw new Error('not an IP address')
  return { kind: 'ip', value: address }
}

/** A name with a NUL or a line break in it means different things to different readers. */
function asciiOf(name: Asn1): string {
  const text = octetsOf(name).toString('latin1')
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Error('not printable ASCII')
  return text
}
