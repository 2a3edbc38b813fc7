import { z } from 'zod'
import { connectorsTable } from './connectors.ts'
import { Id, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'

export const KeyUse = z.enum(['host_credentials', 'credentials'])
export const KeyProviderName = z.enum(['environment', 'file', 'vault-transit', 'pkcs11'])

/** A master key: its state and what it encrypts; its bytes are in no answer. */
export const MasterKeyState = z.object({
  key_use: KeyUse,
  key_id: z.string(),
  provider: KeyProviderName,
  state: z.enum(['current', 'decrypt_only', 'destroyed']),
  /** Host credentials that it encrypts itself. */
  rows: z.number().int(),
  /** Data keys that it wraps. */
  data_keys: z.number().int(),
  created_at: Timestamp,
  state_changed_at: Timestamp,
})

/** What shows that a rotation left nothing behind. */
export const RotationProof = z.object({
  /** Rows and data keys under the new key. */
  on_new_key: z.number().int(),
  /** Rows and data keys of the use under any other key. */
  on_other_keys: z.number().int(),
  /** How many of them, picked at random, were decrypted. */
  sampled: z.number().int(),
})
export type RotationProof = z.infer<typeof RotationProof>

export const KeyRotation = z.object({
  id: Id,
  key_use: KeyUse,
  from_key_id: z.string(),
  to_key_id: z.string(),
  state: z.enum(['running', 'completed', 'rolled_back']),
  rows_total: z.number().int(),
  rows_done: z.number().int(),
  /** Why it does not get on; it is tried again by itself. */
  last_error: z.string().nullable(),
  proof: RotationProof.nullable(),
  started_by: z.string(),
  started_at: Timestamp,
  finished_at: Timestamp.nullable(),
})
export type KeyRotation = z.infer<typeof KeyRotation>

const MasterKeyText = z.string().min(16, 'must be at least 16 characters').max(65_536)

export const StartKeyRotation = z
  .object({
    /**
     * The present master key, where its bytes are the service's own: proves that whoever asks holds it. Every use that
     * it serves is rotated.
     */
    old_key: MasterKeyText.optional(),
    /** The next master key, of the environment. */
    new_key: MasterKeyText.optional(),
    /** Or another provider, which the service is configured for already. */
    to_provider: KeyProviderName.optional(),
  })
  .strict()
  .refine(({ new_key, to_provider }) => (new_key === undefined) !== (to_provider === undefined), {
    message: 'must be given, or to_provider, and not both',
    path: ['new_key'],
  })

// No service calls these: an operator does, with the shared INTERNAL_KEY.
const callers: [] = []

export const getKeyringEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers,
  method: 'get',
  path: '/internal/secrets/keyring',
  summary: 'The master keys with what they encrypt, and the rotations, the latest first.',
  request: z.object({}),
  answer: z.object({ keys: z.array(MasterKeyState), rotations: z.array(KeyRotation) }),
})
export const startKeyRotationEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers,
  method: 'post',
  path: '/internal/secrets/keyring/rotations',
  summary:
    'Begin to re-encrypt everything that a master key encrypts. Goes on in the background, also after a restart.',
  request: StartKeyRotation,
  answer: z.object({ rotations: z.array(KeyRotation) }),
})
export const rollBackKeyRotationEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers,
  method: 'post',
  path: '/internal/secrets/keyring/rotations/{id}/rollback',
  summary: 'Make the former master key the current one again and bring back what was re-encrypted.',
  request: z.object({}).strict(),
  answer: KeyRotation,
})

// --- Other services' encrypted columns -----------------------------------------------------------------------------

/** Where a ciphertext belongs: the column's table, and its row. Read from anywhere else it does not open. */
const Place = {
  project_id: Id,
  table: z
    .string()
    .max(100)
    .regex(/^[a-z_]+\.[a-z_]+$/, 'must be schema.table')
    .refine((table) => !table.startsWith('secrets.'), 'must not be a table of the broker itself'),
  id: Id,
}
const SealedText = z.object({
  ciphertext: z.base64().max(8_000_000),
  key_id: z.string().max(64),
})
const sealers = ['interface-registry', 'executor', 'cert-agent'] as const

export const sealEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: sealers,
  method: 'post',
  path: '/internal/secrets/seal',
  summary: "Encrypt a text for one row of the caller's own table, under the project's data key.",
  request: z.object({ ...Place, plaintext: z.string().min(1).max(1_000_000) }).strict(),
  answer: SealedText,
})
export const openEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: sealers,
  method: 'post',
  path: '/internal/secrets/open',
  summary: 'The text that was sealed for this row. Logged before it is answered.',
  request: z
    .object({
      ...Place,
      table: Place.table.refine((table) => table !== connectorsTable, 'is opened for steps alone'),
      ...SealedText.shape,
      reason: z.string().min(1).max(200),
    })
    .strict(),
  answer: z.object({ plaintext: z.string() }),
})
export const resealEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: sealers,
  method: 'post',
  path: '/internal/secrets/reseal',
  summary: "The same text, sealed under the project's present data key.",
  request: z.object({ ...Place, ...SealedText.shape }).strict(),
  answer: SealedText,
})

export const keyringTopics = {
  /** key: the key use. A master key was added, or another one is current. */
  masterKeyChanged: 'secrets.master_key_changed',
} as const
