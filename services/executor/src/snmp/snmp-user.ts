import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import { type LibraryUser, library } from './net-snmp.ts'
import { privProtocols } from './privacy.ts'

/** Who asks, and in which version of SNMP. */
export type SnmpUser =
  | { version: 'v1' | 'v2c'; community: string }
  | { version: 'v3'; user: LibraryUser; context: string }

/** Throws `step_failed` where the credential is not whole; the broker checked it when it was made. */
export function snmpUserOf(credential: HeldCredential | undefined): SnmpUser {
  if (credential?.type === 'snmp_v3') return v3UserOf(credential)
  const community = credential?.secret.community?.reveal()
  if (community === undefined) throw unusable()
  return { version: credential?.extra.version === 'v1' ? 'v1' : 'v2c', community }
}

function v3UserOf({ secret, extra }: HeldCredential): SnmpUser {
  const level = library.SecurityLevel[extra.level as 'authPriv']
  if (level === undefined || typeof extra.username !== 'string') throw unusable()
  const user: LibraryUser = { name: extra.username, level }
  if (extra.level !== 'noAuthNoPriv') {
    user.authProtocol = protocolOf(library.AuthProtocols, extra.auth_protocol)
    user.authKey = passphraseOf(secret.auth_passphrase)
  }
  if (extra.level === 'authPriv') {
    user.privProtocol = protocolOf(privProtocols, extra.priv_protocol)
    user.privKey = passphraseOf(secret.priv_passphrase)
  }
  return { version: 'v3', user, context: typeof extra.context_name === 'string' ? extra.context_name : '' }
}

function protocolOf(protocols: Readonly<Record<string, number>>, name: unknown): number {
  const number = typeof name === 'string' && Object.hasOwn(protocols, name) ? protocols[name] : undefined
  if (typeof number !== 'number') throw unusable()
  return number
}

/** RFC 3414 section 11.2: eight characters at least. */
function passphraseOf(secret: HeldCredential['secret'][string] | undefined): string {
  const passphrase = secret?.reveal() ?? ''
  if (passphrase.length < 8) throw unusable()
  return passphrase
}

const unusable = () =>
  new AppError('step_failed', 'The credential lacks what SNMP needs: make it again with all its fields.')
