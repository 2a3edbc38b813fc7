import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { connectSsh, type KnownHostKey, type OpenConnection, type ShownHostKey } from '@opsconductor/ssh'
import type { HeldCredential } from './held-credential.ts'
import type { ProjectTrust } from './project-trust.ts'
import { toSshLogin } from './to-ssh-login.ts'

export interface SshServer {
  host: string
  port: number
  credential: HeldCredential
  trust: ProjectTrust
  /** The way there: the same for two only where they may share connections. */
  wayKey: string
  openSocket(signal: AbortSignal): Promise<Duplex>
}

/** How the pool knows the connections to a server, and opens one. */
export interface SshRoute {
  key: string
  open: OpenConnection
}

/**
 * Whatever a connection depends on is in its key: a changed secret, policy, bastion or trusted key never uses a connection
 * that was made under the old one. A key that nobody trusts yet is told to the broker, for a person to approve.
 */
export async function routeTo(server: SshServer): Promise<SshRoute> {
  const { host, port, credential, trust, wayKey, openSocket } = server
  const login = toSshLogin(credential)
  const knownHostKeys = (await trust.hostKeys(host, port)).map(
    (key): KnownHostKey => ({
      keyType: key.key_type,
      publicKey: key.public_key,
      revoked: key.revoked,
      isAuthority: key.is_authority,
    }),
  )
  const parts = JSON.stringify([wayKey, host, port, credential.id, login, knownHostKeys])
  return {
    key: createHash('sha256').update(parts).digest('base64'),
    async open(signal) {
      let refused: ShownHostKey | undefined
      try {
        return await connectSsh({
          ...{ host, port, login, knownHostKeys, signal, openSocket },
          onRefusedHostKey({ kind, shown }) {
            if (kind === 'unknown' || kind === 'changed') refused = shown
          },
        })
      } catch (error) {
        if (refused !== undefined) await trust.reportHostKey(host, port, refused)
        throw error
      }
    },
  }
}
