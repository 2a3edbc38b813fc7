import { z } from 'zod'
import { Timestamp } from './fields.ts'

export const Actor = z.string()
export const Flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')
export const made = { created_by: Actor, created_at: Timestamp, updated_at: Timestamp }

/** ASCII before it is in lower case: the Kelvin sign would become a k. */
export const asciiLowerCase = (charactersMax: number, error: string) =>
  z
    .string()
    .max(charactersMax)
    .regex(/^[!-~]*$/, { error, abort: true })
    .toLowerCase()

/** What is wrong, in the words of the error table. */
export const Failure = z.object({ code: z.string(), message: z.string(), at: Timestamp.optional() })

export const RemoteAbsolute = z
  .string()
  .max(1_000)
  .regex(/^\/[A-Za-z0-9._/+@-]*$/, 'must be an absolute path of letters, digits and . _ / + @ -')
  .refine(
    (path) => !path.split('/').some((part) => part === '..' || part === '.'),
    'must not contain . or ..',
  )
  .overwrite((path) => path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, ''))

export const HttpsUrl = z
  .string()
  .max(2_000)
  .refine((text) => {
    if (!URL.canParse(text)) return false
    const { protocol, username, password } = new URL(text)
    return protocol === 'https:' && username === '' && password === ''
  }, 'must be an https URL without credentials in it')
export const Email = z.email().max(320)
