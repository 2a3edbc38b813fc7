import { randomUUID } from 'node:crypto'
import {
  admitCallEndpoint,
  type CallGrant,
  type CallTarget,
  type GrantRequest,
  grantCallEndpoint,
  grantIssuer,
  grantKeysEndpoint,
  grantType,
} from '@opsconductor/contracts'
import { AppError, type ErrorCode } from '@opsconductor/errors'
import { type AnyInternalRoute, internalRoute } from '@opsconductor/service-kit'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { z } from 'zod'

export type Connector = CallTarget & { refusal?: ErrorCode; admitRefusal?: string }

/** The registry's part in calls: connectors in memory, and grants that are really signed. */
export async function createGrantsPeer() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'registry-peer', alg: 'EdDSA', use: 'sig' }
  const connectors = new Map<string, Connector>()
  const asked: z.infer<typeof GrantRequest>[] = []
  const changed = new Map<string, (target: Connector) => CallTarget>()

  async function sign(claims: CallGrant, seconds = 60, key = privateKey): Promise<string> {
    return await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid, typ: grantType })
      .setIssuer(grantIssuer)
      .setAudience(claims.target_project_id)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + Math.ceil(seconds))
      .setJti(randomUUID())
      .sign(key)
  }

  const find = (reference: string | undefined) => {
    const found = [...connectors.values()].find(
      ({ connector_id: id, connector: name }) => id === reference || name === reference,
    )
    if (found === undefined) throw new AppError('not_found', 'There is no such project connector.')
    return found
  }
  const targetOf = ({ refusal: _, admitRefusal: __, ...target }: Connector): CallTarget => target
  const routes: AnyInternalRoute[] = [
    internalRoute(grantCallEndpoint, async ({ params, request }) => {
      asked.push(request)
      const found = find(params.reference)
      if (found.refusal !== undefined) throw new AppError(found.refusal, 'The registry says no.')
      if (request.chain.includes(found.target_project_id))
        throw new AppError('call_loop', 'The project that is called waits for this call.')
      const grant: CallGrant = {
        connector_id: found.connector_id,
        interface_id: found.interface_id,
        source_project_id: request.project_id,
        target_project_id: found.target_project_id,
        operation: request.operation,
        run_id: request.run_id,
        step_id: request.step_id,
        item: request.item,
        input_sha256: request.input_sha256,
        chain: request.chain,
      }
      const seconds = Math.min(request.seconds, found.call_seconds_max)
      const text = await sign(grant, seconds)
      const expires_at = new Date(Date.now() + seconds * 1000).toISOString()
      return {
        grant: text,
        expires_at,
        target: targetOf({ ...found, source_project_id: request.project_id }),
      }
    }),
    internalRoute(admitCallEndpoint, async ({ params }) => {
      const found = find(params.id)
      return found.admitRefusal === undefined
        ? { admitted: true as const, target: (changed.get(found.connector_id) ?? targetOf)(found) }
        : { admitted: false as const, reason: found.admitRefusal }
    }),
    internalRoute(grantKeysEndpoint, async () => ({ keys: [jwk] })),
  ]
  /** What an admission answers in place of the connector as it is. */
  const onAdmit = (id: string, change: (target: Connector) => CallTarget) => changed.set(id, change)
  return { onAdmit, routes, connectors, asked, sign }
}

export type GrantsPeer = Awaited<ReturnType<typeof createGrantsPeer>>
