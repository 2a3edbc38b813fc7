import { AppError, type ErrorCode, type FieldError } from '@opsconductor/errors'
import { z } from 'zod'

const prefix = 'urn:ietf:params:acme:error:'
const detailCharactersMax = 400
const subproblemsMax = 100

const Identifier = z.object({ value: z.string() }).optional().catch(undefined)
/** RFC 8555 section 6.7, read leniently: a CA that writes it badly refuses all the same. */
const Problem = z.object({
  type: z.string().catch('about:blank'),
  detail: z.string().catch(''),
  identifier: Identifier,
  subproblems: z
    .array(z.object({ type: z.string().catch(''), detail: z.string().catch(''), identifier: Identifier }))
    .catch([]),
})

/** What may go well the next time by itself: the CA's own trouble, and what it could not reach. */
const transientTypes: Readonly<Record<string, ErrorCode>> = {
  rateLimited: 'too_many_requests',
  badNonce: 'target_failed',
  serverInternal: 'target_failed',
  connection: 'target_failed',
  dns: 'target_failed',
  tls: 'target_failed',
  orderNotReady: 'target_failed',
}

export interface ProblemFacts {
  /** 0 where it is no answer of its own, as in an authorization. */
  status: number
  retryAfterSeconds?: number | undefined
  /** The name it is about, where it does not say so. */
  name?: string
}

/** What the CA refused or failed at, for a person; `acmeTypeOf` tells which. */
export function problemError(document: unknown, { status, retryAfterSeconds, name }: ProblemFacts): AppError {
  const { type, detail, identifier, subproblems } = Problem.catch({
    type: 'about:blank',
    detail: '',
    identifier: undefined,
    subproblems: [],
  }).parse(document)
  const kind = kindOf(type)
  const code = codeOf(kind, status, subproblems)
  const about = clean(identifier?.value ?? name ?? '').slice(0, 255)
  const errors: FieldError[] = subproblems.slice(0, subproblemsMax).map((sub) => ({
    path: clean(sub.identifier?.value ?? '').slice(0, 255),
    message: clean(sub.detail).slice(0, detailCharactersMax),
  }))
  if (errors.length === 0 && about !== '') errors.push({ path: about, message: clean(detail) })
  const said = [detail, ...errors.slice(0, 3).map(({ path, message }) => `${path}: ${message}`)]
  const verb = code === 'target_refused' ? 'refused' : 'could not do it'
  const sentence = clean(errors.length > 1 ? said.join(' ') : detail).slice(0, detailCharactersMax)
  return new AppError(
    code,
    `The certificate authority ${verb}${about === '' ? '' : ` for ${about}`}${kind === '' ? '' : ` (${kind})`}: ${
      sentence === '' ? `it answered ${status}` : sentence
    }`,
    {
      internal: { acme: kind, status },
      ...(errors.length === 0 ? {} : { errors }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  )
}

const kindOf = (type: string): string =>
  type.startsWith(prefix) ? clean(type.slice(prefix.length)).slice(0, 50) : ''

function codeOf(kind: string, status: number, parts: readonly { type: string }[] = []): ErrorCode {
  // Several at once are as bad as the worst of them.
  if (kind === 'compound' && parts.length > 0) {
    const codes = parts.map(({ type }) => codeOf(kindOf(type), status))
    return codes.find((code) => code === 'target_refused') ?? (codes[0] as ErrorCode)
  }
  if (Object.hasOwn(transientTypes, kind)) return transientTypes[kind] as ErrorCode
  if (status === 429) return 'too_many_requests'
  return status >= 500 ? 'target_failed' : 'target_refused'
}

/** The type of the CA's problem without its URN, as `rejectedIdentifier`; undefined for any other error. */
export const acmeTypeOf = (error: unknown): string | undefined =>
  error instanceof AppError && typeof error.internal?.acme === 'string' ? error.internal.acme : undefined

/** CAs quote what they were answered, which may be written by anybody. */
const clean = (text: string): string =>
  text
    .slice(0, 10 * detailCharactersMax)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
