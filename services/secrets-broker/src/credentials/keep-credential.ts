import { isDeepStrictEqual } from 'node:util'
import { CreateCredential, type keepCredentialEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { parseCredential } from '../credential-types/parse-credential.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { changeCredential } from './change-credential.ts'
import { createCredential } from './create-credential.ts'
import { openSecret } from './credential-secret.ts'
import { assertIdIsFree, type CredentialRecord, selectTakenNames } from './store.ts'
import { changeTo, isUnchanged } from './update-credential.ts'
import { type CurrentCredential, selectCurrentCredential } from './version-store.ts'

type Request = z.infer<typeof keepCredentialEndpoint.request>
type Answer = z.infer<typeof keepCredentialEndpoint.answer>

const description = 'Managed by cert-agent.'
/** Somebody else may take the name, or make the credential, between the look and the insertion. */
const triesMax = 5
const overtaken: readonly string[] = ['conflict', 'not_found']

/**
 * Makes the credential, or its next version; a repetition with the same secret makes none. Throws `validation_failed`,
 * `conflict` where it is of another type, `not_found` where it was deleted or is another project's.
 */
export async function keepCredential(deps: Deps, actor: InternalActor, request: Request): Promise<Answer> {
  const find = () => selectCurrentCredential(deps.pool, request.project_id, request.credential_id)
  let known = await find()
  if (request.dry_run === true) return checkOnly(deps, request, known)
  for (let tries = 1; ; tries++) {
    try {
      return toAnswer(
        await (known === undefined ? keepFirst(deps, actor, request) : keepNext(deps, actor, request)),
      )
    } catch (error) {
      const code = error instanceof AppError ? error.code : ''
      if (known !== undefined || tries === triesMax || !overtaken.includes(code)) throw error
      known = await find()
      if (known === undefined && code === 'not_found') throw error
    }
  }
}

/** What keeping it would answer, or throw. */
async function checkOnly(
  { pool }: Deps,
  request: Request,
  known: CurrentCredential | undefined,
): Promise<Answer> {
  if (known === undefined) await assertIdIsFree(pool, request.credential_id)
  else assertOfType(known, request)
  const { certificate } = await parseCredential(request)
  return toAnswer({ id: request.credential_id, version: known?.version ?? 0, ...certificate })
}

function assertOfType({ type }: Pick<CurrentCredential, 'type'>, request: Request): void {
  if (type !== request.type)
    throw new AppError('conflict', `The credential is of type ${type}, and keeps it.`)
}

const reasonOf = ({ operation_id }: Request): string => `operation ${operation_id}`

const projectActorOf = ({ caller, clientAddress }: InternalActor, { project_id }: Request) => ({
  label: caller,
  projectId: project_id,
  clientAddress,
})

async function keepFirst(deps: Deps, actor: InternalActor, request: Request): Promise<CredentialRecord> {
  const { credential_id: id, type, secret, extra } = request
  const name = await freeName(deps, request)
  return createCredential(
    deps,
    projectActorOf(actor, request),
    CreateCredential.parse({ name, type, description, secret, extra }),
    { id, reason: reasonOf(request) },
  )
}

function keepNext(deps: Deps, actor: InternalActor, request: Request): Promise<CredentialRecord> {
  return changeCredential(deps, projectActorOf(actor, request), {
    id: request.credential_id,
    reason: reasonOf(request),
    async plan(current) {
      assertOfType(current, request)
      const parsed = await parseCredential(request)
      const secret = await openSecret(deps.cipher, current, current.secret)
      if (isDeepStrictEqual(parsed.secret, secret) && isUnchanged(parsed, current)) return { fields: {} }
      return changeTo(parsed, { expiresAt: parsed.expiresAt, rotatedAt: deps.now() })
    },
  })
}

const nameLengthMax = 255

/** The name that was asked for, or with the first number that makes it free. */
async function freeName({ pool }: Deps, { project_id, name }: Request): Promise<string> {
  const numbered = (n: number): string => {
    const suffix = n === 1 ? '' : ` (${n})`
    return `${name.slice(0, nameLengthMax - suffix.length).trimEnd()}${suffix}`
  }
  for (let first = 1; ; first += 100) {
    const names = Array.from({ length: 100 }, (_, index) => numbered(first + index))
    const taken = await selectTakenNames(pool, project_id, names)
    const free = names.find((candidate) => !taken.has(candidate))
    if (free !== undefined) return free
  }
}

type Kept = Pick<CredentialRecord, 'id' | 'version' | 'certificate' | 'certificateChain'>

const toAnswer = ({ id, version, certificate, certificateChain }: Kept): Answer => ({
  credential_id: id,
  version,
  certificate,
  certificate_chain: certificateChain,
})
