import { z } from 'zod'
import { Id, pageOf, Timestamp } from './fields.ts'

// MIB modules that a project loads, so that its SNMP steps can use names and show what values mean.

/** Begins with a capital letter, as ASN.1 has it. */
export const MibModuleName = z
  .string()
  .max(200)
  .regex(/^[A-Z][A-Za-z0-9_-]*$/, 'must be the name of a MIB module')

/** So much that it goes through the gateway as JSON. */
const textCharactersMax = 1_900_000

export const LoadMib = z
  .object({
    /** One module, as its file has it. */
    text: z.string().min(1, 'must not be empty').max(textCharactersMax),
  })
  .strict()

/** One of a list: without its text. */
export const ListedMib = z.object({
  id: Id,
  name: z.string(),
  imports: z.array(z.string()),
  object_count: z.number().int(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const Mib = ListedMib.extend({ text: z.string() })
export const MibPage = pageOf(ListedMib)
export const MibParams = z.object({ name: MibModuleName })

/** Exactly one of them. */
export const ResolveMib = z
  .object({ oid: z.string().min(1).max(1500).optional(), name: z.string().min(1).max(1500).optional() })
  .strict()
  .refine(({ oid, name }) => (oid === undefined) !== (name === undefined), 'must have either oid or name')

export const ResolvedMib = z.object({
  oid: z.string(),
  /** As `IF-MIB::ifDescr.1`; null where no loaded module names it or anything above it. */
  name: z.string().nullable(),
  module: z.string().nullable(),
  object: z.string().nullable(),
  /** What the OID has behind the object's own, as `.1`. */
  suffix: z.string(),
  /** On the wire, as `OCTET STRING`. */
  type: z.string().nullable(),
  /** As the module writes it, as `DisplayString`. */
  convention: z.string().nullable(),
  access: z.string().nullable(),
  display_hint: z.string().nullable(),
  labels: z.array(z.object({ value: z.number(), label: z.string() })),
})
export type ResolvedMib = z.infer<typeof ResolvedMib>

export const mibTopics = {
  /** key: the project's id. Its MIB modules have changed. */
  mibsChanged: 'executor.mibs_changed',
} as const
