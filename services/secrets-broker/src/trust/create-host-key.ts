import { randomUUID } from 'node:crypto'
import { type CreateTrustedHostKey, HostName, HostPattern, TrustedPort } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust } from './change-trust.ts'
import { type ParsedHostKey, parseHostKey } from './parse-host-key.ts'
import { assertRoomFor, type HostKeyRecord, insertHostKey } from './store.ts'

type Request = z.infer<typeof CreateTrustedHostKey>

export const trustedKeysMax = 5_000

/** Trusts, or distrusts, an SSH host's key. Throws `validation_failed`, and `conflict` where it is there already. */
export function createHostKey(deps: Deps, actor: ProjectActor, request: Request): Promise<HostKeyRecord> {
  const { projectId, label: by } = actor
  const id = randomUUID()
  return changeTrust(deps, actor, {
    type: 'create',
    purpose: 'ssh_host_key',
    id,
    prepare(access) {
      const parsed = parseHostKey(request.key)
      const isAuthority = request.is_authority ?? parsed.isAuthority
      const place = placeOf({ ...parsed, isAuthority }, request)
      access.host = place.host
      return { ...parsed, ...place, isAuthority }
    },
    async change(client, _, parsed) {
      await assertRoomFor(client, 'trusted_host_keys', projectId, trustedKeysMax)
      const { host, port, keyType, publicKey, fingerprint, isAuthority } = parsed
      const comment = request.comment === undefined ? parsed.comment : request.comment
      const revoked = request.revoked ?? parsed.revoked
      return insertHostKey(client, {
        ...{ id, projectId, host, port, keyType, publicKey, fingerprint, comment, revoked, isAuthority, by },
      })
    },
  })
}

function placeOf(
  { host, port, isAuthority }: ParsedHostKey,
  request: Request,
): { host: string; port: number } {
  if (host === undefined) {
    if (request.host === undefined) throw refuse('host', 'is missing: the key does not name its host')
    if (!isAuthority && !HostName.safeParse(request.host).success)
      throw refuse('host', 'must be one host: only an authority may have a pattern')
    return { host: request.host, port: request.port ?? 22 }
  }
  for (const field of ['host', 'port'] as const)
    if (request[field] !== undefined) throw refuse(field, 'must not be given: the line of the key names it')
  const named = (isAuthority ? HostPattern : HostName).safeParse(host)
  if (!named.success || !TrustedPort.safeParse(port).success)
    throw refuse('key', 'must name one host exactly, without patterns; an authority also *. and a domain')
  return { host: named.data, port: port as number }
}

const refuse = (field: string, message: string) => invalidField(`body.${field}`, message)
