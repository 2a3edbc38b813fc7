import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type MibModule, parseModule } from './parse-module.ts'

/** Where two of them name one variable, the earlier one's name stands. */
const order = [
  'IF-MIB',
  'IANAifType-MIB',
  'SNMPv2-MIB',
  'SNMPv2-CONF',
  'SNMPv2-TC',
  'SNMPv2-SMI',
  'RFC1213-MIB',
  'RFC1158-MIB',
  'RFC-1215',
  'RFC-1212',
  'RFC1155-SMI',
]

let parsed: readonly MibModule[] | undefined

/** The modules that net-snmp brings; every project has them. */
export function baseModules(): readonly MibModule[] {
  if (parsed !== undefined) return parsed
  const folder = join(dirname(createRequire(import.meta.url).resolve('net-snmp')), 'lib', 'mibs')
  const modules = readdirSync(folder)
    .filter((file) => file.endsWith('.mib'))
    .map((file) => parseModule(readFileSync(join(folder, file), 'utf8')))
  parsed = modules.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  return parsed
}

export const isBaseModule = (name: string): boolean => baseModules().some((module) => module.name === name)
