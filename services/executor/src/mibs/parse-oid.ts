import type { Tokens } from './read-tokens.ts'

/** `mgmt`, `1`, or `org(3)`, which has both. */
export interface OidPart {
  name?: string
  number?: number
}

const partsMax = 128

/** `{ iso org(3) dod(6) 1 }`. */
export function parseOid(tokens: Tokens): OidPart[] {
  tokens.expect('{')
  const parts: OidPart[] = []
  for (let token = tokens.next(); token.text !== '}'; token = tokens.next()) {
    if (parts.length >= partsMax) throw tokens.fault(`An OID has more than ${partsMax} parts`, token.at)
    if (token.kind === 'number') parts.push({ number: arcOf(tokens, token.text, token.at) })
    else if (token.kind !== 'name') throw tokens.fault('An OID must hold names and numbers', token.at)
    else if (tokens.peek().text === '(') {
      tokens.next()
      const number = tokens.next()
      parts.push({ name: token.text, number: arcOf(tokens, number.text, number.at) })
      tokens.expect(')')
    } else parts.push({ name: token.text })
  }
  if (parts.length === 0) throw tokens.fault('An OID is empty')
  return parts
}

function arcOf(tokens: Tokens, text: string, at: number): number {
  const number = Number(text)
  if (!/^\d{1,10}$/.test(text) || number > 0xffff_ffff)
    throw tokens.fault('A part of an OID must be a number of 32 bits', at)
  return number
}
