import { type AnyConnectorKind, connectorKindDefinitions } from '@opsconductor/connector-kinds'
import type { ConnectorKind } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { JsonSchemaDocument } from '@opsconductor/json-schema'
import { validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import { checkSchema } from '../interfaces/check-schema.ts'

export type Settings = Record<string, unknown>

export function kindOf(name: ConnectorKind): AnyConnectorKind {
  const kind = connectorKindDefinitions.get(name)
  if (kind === undefined) throw new Error(`there is no kind of connector ${name}`)
  return kind
}

/** In JSON; a schema of a tool's arguments is the longest of them. */
const settingsBytesMax = 100_000

/** The settings as the kind has them, defaults put in. Throws `validation_failed` naming the setting. */
export function parseSettings(kind: AnyConnectorKind, given: Settings): Settings {
  if (Buffer.byteLength(JSON.stringify(given)) > settingsBytesMax)
    throw invalidField('body.settings', `must not be longer than ${settingsBytesMax} bytes`)
  const { settings } = validate(z.object({ settings: kind.settings }), { settings: given }, 'body')
  for (const name of kind.jsonSchemas ?? [])
    checkSchema((settings[name] ?? null) as JsonSchemaDocument | null, `body.settings.${name}`)
  return settings
}
