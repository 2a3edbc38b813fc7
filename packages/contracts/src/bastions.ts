import { z } from 'zod'
import { DisplayName, HostName, Id, Timestamp } from './fields.ts'
import { CredentialReference } from './secrets-broker.ts'
import { TrustedPort } from './trust.ts'

// SSH servers that steps may go through to targets which cannot be reached from here.

/** `credential`: of type ssh or ssh_certificate, by id or name. */
export const CreateBastion = z
  .object({
    /** What a step's `via` calls it. */
    name: DisplayName,
    /** As the bastion before it in a step's `via` resolves it, or this platform where it is the first. */
    host: HostName,
    port: TrustedPort.default(22),
    credential: CredentialReference,
    description: z.string().max(2000).nullable().default(null),
  })
  .strict()

/** What is left out stays. */
export const UpdateBastion = z
  .object({
    name: DisplayName,
    host: HostName,
    port: TrustedPort,
    credential: CredentialReference,
    description: z.string().max(2000).nullable(),
  })
  .partial()
  .strict()

export const Bastion = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  host: z.string(),
  port: z.number().int(),
  credential: z.string(),
  description: z.string().nullable(),
  created_by: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Bastion = z.infer<typeof Bastion>
