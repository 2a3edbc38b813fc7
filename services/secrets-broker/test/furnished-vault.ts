import { type OpenBaoPeer, startOpenBaoPeer } from '@opsconductor/test-peers'
import { send } from './running-broker.ts'

export type FurnishedVault = Awaited<ReturnType<typeof startFurnishedVault>>

/** An OpenBao with a KV engine and a role that may read it. */
export async function startFurnishedVault() {
  const peer: OpenBaoPeer = await startOpenBaoPeer()
  const admin = async (method: string, path: string, body?: unknown) => {
    const answer = await send(`${peer.url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': peer.rootToken },
      body,
    })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer.text === '' ? {} : (JSON.parse(answer.text) as { data?: Record<string, string> })
  }
  await admin('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await admin('PUT', 'sys/policies/acl/broker', { policy: 'path "kv/data/app/*" { capabilities=["read"] }' })
  await admin('POST', 'sys/auth/approle', { type: 'approle' })
  await admin('POST', 'auth/approle/role/broker', { token_policies: ['broker'], token_ttl: '12h' })
  const role = await admin('GET', 'auth/approle/role/broker/role-id')
  const secretId = await admin('POST', 'auth/approle/role/broker/secret-id', {})
  return {
    peer,
    settings: { url: peer.url, mount: 'kv', kv_version: 2 },
    auth: { role_id: role.data?.role_id ?? '', secret_id: secretId.data?.secret_id ?? '' },
    put: (path: string, data: unknown) => admin('POST', `kv/data/${path}`, { data }),
    forget: (path: string) => admin('DELETE', `kv/data/${path}`),
    /** How often the secret was asked for. */
    readsOf: (path: string) =>
      peer.requests.filter((each) => each.path === `/v1/kv/data/${path}` && each.method === 'GET').length,
    close: peer.close,
  }
}
