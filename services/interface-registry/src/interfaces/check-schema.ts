import { invalidField } from '@opsconductor/errors'
import { type JsonSchemaDocument, schemaFault } from '@opsconductor/json-schema'

/** Throws `validation_failed` naming `path` where the document is no schema that we can use. */
export function checkSchema(schema: JsonSchemaDocument | null, path: string): void {
  const message = schema === null ? undefined : schemaFault(schema)
  if (message !== undefined) throw invalidField(path, message)
}
