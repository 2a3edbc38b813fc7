import type { Caller } from '@opsconductor/auth'
import type { UpdateInterface } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { awaitSettled } from '../publishing/await-settled.ts'
import { checkSchema } from './check-schema.ts'
import { withFreshHash } from './draw-hash.ts'
import { findInterface } from './find-interface.ts'
import { changeInterface, type FaceChange, type InterfaceFields, type InterfaceRecord } from './store.ts'

type Request = z.infer<typeof UpdateInterface>

const faceFields = ['http_method', 'http_path', 'rate_limit_per_minute'] as const

/** Changes what is named; publishes or withdraws where `is_public` changes. */
export async function updateInterface(
  deps: Deps,
  caller: Caller,
  id: string,
  request: Request,
): Promise<InterfaceRecord> {
  await findInterface(deps, caller, id)
  checkSchema(request.input_schema ?? null, 'body.input_schema')
  checkSchema(request.output_schema ?? null, 'body.output_schema')
  const changed = await withFreshHash(() =>
    changeInterface(deps.prisma, id, (current) => ({
      fields: changedFields(current, request),
      face: faceChange(current, request, deps.newHash),
    })),
  )
  if (changed === undefined) throw new AppError('not_found', 'There is no such interface.')
  deps.events.interfaceUpdated(caller, id)
  if (changed.face === null) return changed
  await awaitSettled(deps, changed.face)
  return findInterface(deps, caller, id)
}

/** `given` where the request names the field, also as null. */
const or = <T>(given: T | undefined, current: T): T => (given === undefined ? current : given)

const changedFields = (current: InterfaceRecord, request: Request): InterfaceFields => ({
  displayName: or(request.display_name, current.displayName),
  description: or(request.description, current.description),
  inputSchema: or(request.input_schema, current.inputSchema),
  outputSchema: or(request.output_schema, current.outputSchema),
})

export function faceChange(
  current: Pick<InterfaceRecord, 'isPublic' | 'face' | 'name'>,
  request: Request,
  newHash: () => string,
): FaceChange {
  const named = faceFields.find((field) => request[field] !== undefined)
  if (!(request.is_public ?? current.isPublic)) {
    if (named !== undefined)
      throw new AppError('validation_failed', `body.${named} needs is_public: true`, {
        errors: [{ path: `body.${named}`, message: 'needs is_public: true' }],
      })
    return current.isPublic ? { kind: 'withdraw' } : { kind: 'keep' }
  }
  const { face } = current
  const wanted = {
    httpMethod: or(request.http_method, face?.httpMethod ?? 'POST'),
    httpPath: or(request.http_path, face?.httpPath ?? `/${current.name}`),
    rateLimitPerMinute: or(request.rate_limit_per_minute, face?.rateLimitPerMinute ?? null),
  }
  const same =
    current.isPublic &&
    face?.httpMethod === wanted.httpMethod &&
    face.httpPath === wanted.httpPath &&
    face.rateLimitPerMinute === wanted.rateLimitPerMinute
  return same ? { kind: 'keep' } : { kind: 'publish', face: wanted, newHash }
}
