import type { Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { isSingular, JsonPath, quoted, selectValues, withinPathLimit } from './json-path.ts'

/** Names for what later steps need of a body: `{{ steps.fetch.extracted.id }}`. */
export const Extract = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'must start with a letter and hold a-z, 0-9 and _'),
    JsonPath,
  )
  .refine((paths) => Object.keys(paths).length <= 50, 'must name at most 50 values')

/** One value where the path can find one at most, else the list of all. Throws `step_failed` where the one is missing. */
export function extract(paths: z.infer<typeof Extract>, body: unknown): Record<string, z.infer<typeof Json>> {
  return withinPathLimit(() => extractAll(paths, body))
}

function extractAll(paths: z.infer<typeof Extract>, body: unknown): Record<string, z.infer<typeof Json>> {
  return Object.fromEntries(
    Object.entries(paths).map(([name, path]) => {
      const values = selectValues(path, body) as z.infer<typeof Json>[]
      if (!isSingular(path)) return [name, values]
      const [value] = values
      if (value === undefined)
        throw new AppError('step_failed', `The answer has no ${quoted(path)}, which extract.${name} names.`)
      return [name, value]
    }),
  )
}
