import { correlationId } from './correlation-id.ts'
import { cors } from './cors.ts'
import type { PluginType } from './plugin.ts'
import { rateLimiting } from './rate-limiting.ts'
import { requestSizeLimiting } from './request-size-limiting.ts'
import { requestTermination } from './request-termination.ts'

const pluginTypes: PluginType[] = [correlationId, cors, requestSizeLimiting, rateLimiting, requestTermination]

export const pluginTypeByName: ReadonlyMap<string, PluginType> = new Map(
  pluginTypes.map((type) => [type.name, type]),
)
