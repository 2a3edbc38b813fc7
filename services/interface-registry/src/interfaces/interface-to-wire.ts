import type { PublicInterface, ServiceInterface } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { InterfaceRecord, PublicFace } from './store.ts'

type Wire = z.infer<typeof ServiceInterface>

export const interfaceToWire =
  (publicBaseUrl: string) =>
  (record: InterfaceRecord): Wire => ({
    id: record.id,
    workflow_id: record.workflowId,
    name: record.name,
    display_name: record.displayName,
    description: record.description,
    interface_type: record.interfaceType,
    callable_name: record.callableName,
    input_schema: record.inputSchema as Wire['input_schema'],
    output_schema: record.outputSchema as Wire['output_schema'],
    is_public: record.isPublic,
    public_interface: record.face === null ? null : faceToWire(publicBaseUrl, record.face),
    created_at: record.createdAt.toISOString(),
    updated_at: record.updatedAt.toISOString(),
  })

const faceToWire = (publicBaseUrl: string, face: PublicFace): z.infer<typeof PublicInterface> => ({
  id: face.id,
  hash: face.hash,
  state: face.state,
  last_error: face.lastError,
  url: `${publicBaseUrl}/api/v1/${face.hash}${face.httpPath}`,
  http_method: face.httpMethod,
  http_path: face.httpPath,
  auth_type: face.authType,
  rate_limit_per_minute: face.rateLimitPerMinute,
  kong_route_id: face.kongRouteId,
})
