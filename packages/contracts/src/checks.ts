import { z } from 'zod'
import { HostName, Id, TargetUrl, Timestamp } from './fields.ts'
import { HeaderValue, SettableHeaderName } from './header-fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { CredentialReference } from './secrets-broker.ts'

// Does a credential or a connector work? The broker or the registry asks the executor, which borrows from the broker.

export const CheckMethod = z.enum(['GET', 'HEAD'])
/** Statuses that mean that it works; without it every 2xx. */
export const CheckStatuses = z.array(z.number().int().min(100).max(599)).min(1).max(50)

const CheckPort = z.number().int().min(1).max(65_535)

/**
 * What to try. `http`: a request with the credential. `sql`: the smallest query on the database that the credential's DSN
 * names. `ssh`: a login, to a host whose key is trusted. `snmp`: the agent's uptime. `tls`: a handshake with the credential
 * as the client's certificate, with a server that must be trusted.
 */
export const Check = z.discriminatedUnion('kind', [
  z
    .object({
      kind: z.literal('http'),
      url: TargetUrl,
      method: CheckMethod.default('GET'),
      expect_status: CheckStatuses.optional(),
      /** Those of a connector; none of them is a credential. */
      headers: z.record(SettableHeaderName, HeaderValue).optional(),
    })
    .strict(),
  z.object({ kind: z.literal('sql') }).strict(),
  z.object({ kind: z.literal('ssh'), host: HostName, port: CheckPort.default(22) }).strict(),
  z.object({ kind: z.literal('snmp'), host: HostName, port: CheckPort.default(161) }).strict(),
  z.object({ kind: z.literal('tls'), host: HostName, port: CheckPort.default(443) }).strict(),
])
export type Check = z.infer<typeof Check>

/** Why a check did not succeed. Codes are stable. */
export const checkFaults = [
  /** The target answered 401 or 403, or refused the login, the user or the certificate. */
  'credential_refused',
  /** It is not there (any more), may not be used, or is not of a kind that such a target takes. */
  'credential_unusable',
  /** The project's outbound policy, or the credential's own limits, do not allow the target. */
  'outbound_denied',
  'target_unreachable',
  'tls_failed',
  'target_timeout',
  /** The target failed by itself: 429 or 5xx. */
  'target_failed',
  /** Any other answer that was not expected. */
  'target_refused',
] as const
export const CheckFault = z.enum(checkFaults)
export type CheckFault = z.infer<typeof CheckFault>

/** `message` is one line for a person, free of every secret that was lent. */
export const CheckResult = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), latency_ms: z.number().int() }),
  z.object({ ok: z.literal(false), latency_ms: z.number().int(), code: CheckFault, message: z.string() }),
])
export type CheckResult = z.infer<typeof CheckResult>

/** A check ends within this time, whatever the target does. */
export const checkMsMax = 10_000

export const runCheckEndpoint = internalEndpoint({
  service: 'executor',
  callers: ['secrets-broker', 'interface-registry'],
  method: 'post',
  path: '/internal/checks',
  summary:
    'Try a credential or a connector of a project on a target, as a step of the project would reach it.',
  request: z
    .object({
      /** The broker lends for it once, for a short while. */
      check_id: Id,
      project_id: Id,
      /** What is tried: a credential, or a connector with what opens it, if anything does. */
      credential: CredentialReference.optional(),
      connector: z.object({ id: Id, has_credential: z.boolean() }).strict().optional(),
      check: Check,
    })
    .strict()
    .superRefine(({ credential, connector }, context) => {
      if ((credential === undefined) === (connector === undefined))
        context.addIssue({
          code: 'custom',
          path: ['connector'],
          message: credential === undefined ? 'is missing' : 'must not be given with credential',
        })
    }),
  answer: CheckResult,
})

/**
 * What `POST /api/credentials/{id}/test` takes. A type that is tried over HTTP needs the URL to try it on; one that is tried
 * by SSH, SNMP or TLS needs the host, and takes the port where it is not the usual one.
 */
export const TestCredential = z
  .object({
    url: TargetUrl.optional(),
    method: CheckMethod.optional(),
    expect_status: CheckStatuses.optional(),
    host: HostName.optional(),
    port: CheckPort.optional(),
  })
  .strict()
export type TestCredential = z.infer<typeof TestCredential>

export const CredentialTestResult = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), latency_ms: z.number().int(), checked_at: Timestamp }),
  z.object({
    ok: z.literal(false),
    latency_ms: z.number().int(),
    checked_at: Timestamp,
    code: CheckFault,
    message: z.string(),
  }),
])
export type CredentialTestResult = z.infer<typeof CredentialTestResult>
