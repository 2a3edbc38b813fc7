import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type NginxPeer, startNginx, startSshd } from '@opsconductor/test-peers'
import { type Call, must } from './client.ts'
import { waitFor } from './platform.ts'

export interface FleetServer {
  id: string
  /** In the order of the names. */
  vhostIds: string[]
  /** In lower-case hexadecimal. */
  servedSerial(name: string): Promise<string | undefined>
  /** The private key that is live, as it lies on the server. */
  readKey(certificateId: string): string
}

export type Fleet = Awaited<ReturnType<typeof createFleet>>

interface Certificate {
  state: string
  version: number
  versions: { version: number; serial: string; names: string[] }[]
  deployments: { state: string; live_version: number | null; last_error: unknown }[]
  last_error: unknown
}

const liveWithinMs = 30_000

/** NGINX hosts behind one real sshd, and what a project of theirs needs: the credential, the host key, the way there. */
export async function createFleet(
  api: Call,
  options: { otherPorts?: number[]; authorities?: string[] } = {},
) {
  const sshd = await startSshd()
  const nginxes: NginxPeer[] = []
  const secret = { private_key: sshd.clientKey.privateKey }
  const credential = { name: 'web-deploy', type: 'ssh', secret, extra: { username: sshd.username } }
  await must(api('POST', '/api/credentials', { body: credential }))
  const hostKey = { host: sshd.host, port: sshd.port, key: sshd.hostKey.publicKey }
  await must(api('POST', '/api/trust/host-keys', { body: hostKey }))
  for (const [i, certificates] of (options.authorities ?? []).entries())
    await must(api('POST', '/api/trust/ca-bundles', { body: { name: `authority-${i}`, certificates } }))

  async function openPorts(through: Call): Promise<void> {
    const ports = [sshd.port, ...nginxes.map(({ port }) => port), ...(options.otherPorts ?? [])]
    const policy = { allow: [{ cidr: '127.0.0.1/32', ports }] }
    await must(through('PUT', '/api/outbound-policy', { body: policy }))
  }
  await openPorts(api)

  async function addServer(
    through: Call,
    name: string,
    names: string[],
    certificateId: string | null = null,
  ): Promise<FleetServer> {
    const nginx = await startNginx({ directory: sshd.home, vhosts: names.map((one) => ({ names: [one] })) })
    nginxes.push(nginx)
    await openPorts(through)
    const settings = {
      ...{ binary: nginx.binary, config_file: nginx.configFile },
      ...{ certificates_directory: nginx.certificates, config_directories: [nginx.sites] },
    }
    const server = { name, host: sshd.host, port: sshd.port, credential: 'web-deploy', nginx: settings }
    const { id } = await must(through<{ id: string }>('POST', '/api/servers', { body: server }))
    const paths = { certificate: '{{ certificate_path }}', key: '{{ key_path }}' }
    const template = nginx.site({ names: ['{{ server_names }}'], ...paths })
    const vhostIds: string[] = []
    for (const one of names) {
      const vhost = {
        ...{ names: [one], probe_port: nginx.port, certificate_id: certificateId },
        ...{ config_file: nginx.siteFile(one), template },
      }
      const made = await must(through<{ id: string }>('POST', `/api/servers/${id}/vhosts`, { body: vhost }))
      vhostIds.push(made.id)
    }
    return {
      id,
      vhostIds,
      servedSerial: nginx.served,
      readKey: (certificate) =>
        readFileSync(join(nginx.certificates, certificate, 'live', 'privkey.pem'), 'utf8'),
    }
  }

  return {
    /** The private key that opens the servers, in PEM. */
    loginKey: sshd.clientKey.privateKey,
    addServer,
    /** Waits until the version is live wherever the certificate is deployed. */
    async untilLive(through: Call, id: string, version: number): Promise<Certificate> {
      const read = () => must(through<Certificate>('GET', `/api/certificates/${id}`))
      const isLive = ({ deployments }: Certificate) =>
        deployments.length > 0 && deployments.every((one) => one.live_version === version)
      await waitFor('the certificate to be live', liveWithinMs, async () => isLive(await read())).catch(
        async (error: Error) => {
          const { state, last_error, deployments } = await read()
          throw new Error(`${error.message}: ${JSON.stringify({ state, last_error, deployments })}`)
        },
      )
      return read()
    },
    async close() {
      for (const nginx of nginxes) await nginx.close()
      await sshd.close()
    },
  }
}
