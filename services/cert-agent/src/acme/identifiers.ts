import { isIP } from 'node:net'
import type { Authorization } from './answers.ts'

export interface Identifier {
  type: 'dns' | 'ip'
  value: string
}

/** RFC 8738: addresses as RFC 5952 writes them. */
export const canonicalName = (name: string): string =>
  isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase()

export const toIdentifier = (name: string): Identifier => ({
  type: isIP(name) === 0 ? 'dns' : 'ip',
  value: canonicalName(name),
})

/** The name that an authorization is for, as certificates have it. */
export const nameOf = ({ identifier, wildcard }: Authorization): string =>
  wildcard === true ? `*.${canonicalName(identifier.value)}` : canonicalName(identifier.value)
