import {
  Certificate,
  CertificateBatch,
  DeployCertificate,
  ExportedKey,
  IdParams,
  ImportCertificate,
  IssueCertificate,
  ListCertificates,
  ListedCertificate,
  Operation,
  pageOf,
  RevokeCertificate,
  UpdateCertificate,
} from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { startOnce } from '../operations/start-once.ts'
import { acceptedOperation } from '../operations/wire.ts'
import { deleteCertificate } from './delete-certificate.ts'
import { exportKey } from './export-key.ts'
import { findWholeCertificate } from './find-certificate.ts'
import { getChain } from './get-chain.ts'
import { importCertificate } from './import-certificate.ts'
import { listCertificates } from './list-certificates.ts'
import { requestBatch } from './request-batch.ts'
import { requestCertificate } from './request-certificate.ts'
import { requestDeployment } from './request-deployment.ts'
import { createRequestLimits } from './request-limits.ts'
import { requestRenewal } from './request-renewal.ts'
import { requestRevocation } from './request-revocation.ts'
import { updateCertificate } from './update-certificate.ts'
import { certificateToWire, listedToWire } from './wire.ts'

const path = '/api/certificates'
const one = `${path}/{id}`

export function certificateRoutes(deps: Deps): AnyRoute[] {
  const limits = createRequestLimits()
  return [...collectionRoutes(deps, limits), ...itemRoutes(deps, limits), ...actionRoutes(deps, limits)]
}

type Limits = ReturnType<typeof createRequestLimits>

const collectionRoutes = (deps: Deps, limits: Limits): AnyRoute[] => [
  route({
    method: 'get',
    path,
    summary: "The project's certificates, newest first.",
    action: 'certificates.read',
    query: ListCertificates,
    answers: { 200: pageOf(ListedCertificate) },
    handle: async ({ caller, query }) => {
      const rows = await listCertificates(deps, caller, query)
      return { status: 200, body: toPage(rows, query.limit, listedToWire) }
    },
  }),
  route({
    method: 'post',
    path,
    summary:
      'Have a certificate issued, and deployed where virtual hosts are given; with an Idempotency-Key once.',
    action: 'certificates.write',
    body: IssueCertificate,
    answers: { 202: Operation },
    handle: async ({ caller, body, header }) => {
      limits.takeOperation(caller)
      const once = { caller, key: header('idempotency-key'), request: ['issue', body] }
      return acceptedOperation(
        await startOnce(deps, once, (as) => requestCertificate(deps, caller, body, as)),
      )
    },
  }),
  route({
    method: 'post',
    path: `${path}/import`,
    summary: 'Bring a certificate with its key, or the next version of one that was brought before.',
    action: 'certificates.write',
    body: ImportCertificate,
    answers: { 201: Certificate },
    handle: async ({ caller, body, signal }) => {
      limits.takeOperation(caller)
      const { id } = await importCertificate(deps, caller, body, signal)
      const certificate = await findWholeCertificate(deps, caller, id)
      return { status: 201, headers: { Location: `${path}/${id}` }, body: certificateToWire(certificate) }
    },
  }),
  route({
    method: 'post',
    path: `${path}/batch`,
    summary:
      'Renew or deploy many, so many at once; its result says what became of each. With an Idempotency-Key once.',
    action: 'certificates.operate',
    body: CertificateBatch,
    answers: { 202: Operation },
    handle: async ({ caller, body, header }) => {
      limits.takeOperation(caller)
      const once = { caller, key: header('idempotency-key'), request: ['batch', body] }
      return acceptedOperation(await startOnce(deps, once, (as) => requestBatch(deps, caller, body, as)))
    },
  }),
]

const itemRoutes = (deps: Deps, limits: Limits): AnyRoute[] => [
  route({
    method: 'get',
    path: one,
    summary: 'One certificate with its versions and deployments; its key is in no answer.',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: Certificate },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: certificateToWire(await findWholeCertificate(deps, caller, params.id)),
    }),
  }),
  route({
    method: 'put',
    path: one,
    summary: 'Change what is wished; new names or another key are taken with the next renewal.',
    action: 'certificates.write',
    params: IdParams,
    body: UpdateCertificate,
    answers: { 200: Certificate },
    handle: async ({ caller, params, body, signal }) => {
      limits.takeOperation(caller)
      const certificate = await updateCertificate(deps, caller, params.id, body, signal)
      return { status: 200, body: certificateToWire(certificate) }
    },
  }),
  route({
    method: 'delete',
    path: one,
    summary: 'Forget a certificate that no virtual host names.',
    action: 'certificates.write',
    params: IdParams,
    answers: { 204: null },
    handle: async ({ caller, params }) => {
      await deleteCertificate(deps, caller, params.id)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: `${one}/chain`,
    summary: 'The newest version and its chain, in PEM.',
    action: 'certificates.read',
    params: IdParams,
    answers: { 200: null },
    handle: async ({ caller, params }) => {
      const pem = await getChain(deps, caller, params.id)
      return {
        status: 200,
        headers: { 'Content-Type': 'application/pem-certificate-chain' },
        content: contentOf(pem),
      }
    },
  }),
]

async function* contentOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, 'utf8')
}

const actionRoutes = (deps: Deps, limits: Limits): AnyRoute[] => [
  route({
    method: 'post',
    path: `${one}/deploy`,
    summary: 'Put the newest version on its servers, or on some of them.',
    action: 'certificates.operate',
    params: IdParams,
    body: DeployCertificate.prefault({}),
    answers: { 202: Operation },
    handle: async ({ caller, params: { id }, body: { server_ids: serverIds }, header }) => {
      limits.takeOperation(caller)
      const once = { caller, key: header('idempotency-key'), request: ['deploy', id, serverIds ?? null] }
      return acceptedOperation(
        await startOnce(deps, once, (as) => requestDeployment(deps, caller, id, serverIds, as)),
      )
    },
  }),
  route({
    method: 'post',
    path: `${one}/renew`,
    summary: 'Renew it now; where that is under way and waits, it is tried at once.',
    action: 'certificates.operate',
    params: IdParams,
    answers: { 202: Operation },
    handle: async ({ caller, params: { id }, header }) => {
      limits.takeOperation(caller)
      const once = { caller, key: header('idempotency-key'), request: ['renew', id] }
      return acceptedOperation(await startOnce(deps, once, (as) => requestRenewal(deps, caller, id, as)))
    },
  }),
  route({
    method: 'post',
    path: `${one}/revoke`,
    summary: 'Revoke the newest version at its CA; it is not renewed by itself from then on.',
    action: 'certificates.write',
    params: IdParams,
    body: RevokeCertificate.prefault({}),
    answers: { 202: Operation },
    handle: async ({ caller, params: { id }, body: { reason }, header }) => {
      limits.takeOperation(caller)
      const once = { caller, key: header('idempotency-key'), request: ['revoke', id, reason] }
      return acceptedOperation(
        await startOnce(deps, once, (as) => requestRevocation(deps, caller, id, reason, as)),
      )
    },
  }),
  route({
    method: 'post',
    path: `${one}/export-key`,
    summary: 'The private key of the newest version. Has a permission of its own, and is in the audit log.',
    action: 'certificates.export-key',
    params: IdParams,
    answers: { 200: ExportedKey },
    handle: async ({ caller, params, signal }) => {
      limits.takeExport(caller)
      return { status: 200, body: await exportKey(deps, caller, params.id, signal) }
    },
  }),
]
