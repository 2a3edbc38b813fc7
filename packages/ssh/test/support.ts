import { connect } from 'node:net'
import type { SshdPeer, TestSshKey } from '@opsconductor/test-peers'
import { type ConnectSsh, connectSsh, type KnownHostKey } from '../src/index.ts'

export const never = new AbortController().signal

export function known({ publicKey }: TestSshKey, more: Partial<KnownHostKey> = {}): KnownHostKey {
  const [keyType = '', base64 = ''] = publicKey.split(' ')
  return { keyType, publicKey: base64, revoked: false, isAuthority: false, ...more }
}

/** Connects with the peer's own key, unless `more` says otherwise. */
export const connectTo = (sshd: SshdPeer, more: Partial<ConnectSsh> = {}) =>
  connectSsh({
    openSocket: async () => connect(sshd.port, '127.0.0.1'),
    ...{ host: 'h1.example', port: 22, knownHostKeys: [known(sshd.hostKey)], signal: never },
    login: { username: sshd.username, privateKey: sshd.clientKey.privateKey },
    ...more,
  })

/** What `work` throws, as `code: message`. */
export const faultOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no fault',
    ({ code, message }: { code?: string; message: string }) => `${code}: ${message}`,
  )

/** Waits until `holds`, and fails by the test's own timeout. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}
