import { CreateVhost, ServerName } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { certificatePaths } from '../deploying/certificate-paths.ts'
import { dumpCommand } from '../deploying/nginx-commands.ts'
import { parseNginxDump, type ServerBlock } from '../nginx/parse-nginx-dump.ts'
import { type OpenServerDeps, type ServerWork, withServer } from '../servers/open-server.ts'
import type { StoredServer } from '../servers/store.ts'
import { findUncovered } from './find-uncovered.ts'
import type { FoundVhost, VhostStore } from './store.ts'

const dumpBytesMax = 4 * 1024 * 1024
const namesMax = 100

export type Discovery = {
  /** Virtual hosts with TLS. */
  found: number
  added: number
  changed: number
  removed: number
  /** Files that could not be read, as far as they are known. */
  faults: { file: string; message: string }[]
}

/** Asks NGINX for its whole configuration and takes up the virtual hosts that it serves with TLS. */
export async function discoverVhosts(
  deps: OpenServerDeps & { vhosts: Pick<VhostStore, 'takeUp' | 'findDeployed'> },
  at: ServerWork,
): Promise<Discovery> {
  const { server, dump } = await withServer(deps, at, async (session) => {
    const { stdout, stdoutTruncated } = await session.run(dumpCommand(session.server.nginx), {
      outputBytesMax: dumpBytesMax,
    })
    if (stdoutTruncated)
      throw new AppError('target_answer_too_large', 'The configuration of NGINX has more than 4 MB.')
    return { server: session.server, dump: stdout.toString('utf8') }
  })
  const { servers, faults } = parseNginxDump(dump)
  const certificates = await certificatesOf(deps, server, servers)
  const found = firstOfEach(servers.flatMap((block) => vhostsOf(block, certificates)))
  const { projectId, id: serverId } = server
  const taken = await deps.vhosts.takeUp({ projectId, serverId }, found, faults.length === 0)
  return { found: found.length, ...taken, faults }
}

/**
 * Our certificates by the path of their chain on the server, with the names that they are for. Only those that were deployed to
 * it: whoever writes its configuration would otherwise be given any certificate, key and all, by naming its path.
 */
async function certificatesOf(
  { vhosts }: { vhosts: Pick<VhostStore, 'findDeployed'> },
  { id: serverId, nginx }: StoredServer,
  blocks: readonly ServerBlock[],
): Promise<Map<string, { id: string; names: string[] }>> {
  const pattern = /\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/live\/fullchain\.pem$/
  const ids = blocks.flatMap(({ certificates }) =>
    certificates.flatMap(({ certificatePath }) => pattern.exec(certificatePath)?.[1] ?? []),
  )
  const known = await vhosts.findDeployed(serverId, [...new Set(ids)])
  return new Map(
    known.map((certificate) => [certificatePaths(nginx, certificate.id).certificate, certificate]),
  )
}

/** One for each port with TLS; a name that nobody can be asked for, as a regular expression, is left out. */
function vhostsOf(
  { names, listens, certificates, file }: ServerBlock,
  ours: ReadonlyMap<string, { id: string; names: string[] }>,
): FoundVhost[] {
  const known = [...new Set(names.flatMap(namesOf))].slice(0, namesMax)
  const serverNames = known.length === 0 ? ['_'] : known
  const [certificate] = certificates.flatMap(({ certificatePath }) => ours.get(certificatePath) ?? [])
  const fits = certificate !== undefined && findUncovered(certificate.names, serverNames) === undefined
  const ports = new Set(listens.filter(({ ssl }) => ssl).map(({ port }) => port))
  return [...ports].map((probePort) => ({
    names: serverNames,
    probePort,
    configFile: CreateVhost.shape.config_file.safeParse(file).data ?? null,
    certificateId: fits ? certificate.id : null,
  }))
}

/** `.example.com` is `example.com` and everything below it. */
function namesOf(name: string): string[] {
  const wanted = name.startsWith('.') ? [name.slice(1), `*${name}`] : [name]
  return wanted.flatMap((one) => ServerName.safeParse(one).data ?? [])
}

/** NGINX takes the first server of a name and port as well. */
function firstOfEach(vhosts: readonly FoundVhost[]): FoundVhost[] {
  const first = new Map<string, FoundVhost>()
  for (const vhost of vhosts) {
    const key = `${vhost.names[0]}:${vhost.probePort}`
    if (!first.has(key)) first.set(key, vhost)
  }
  return [...first.values()]
}
