import type { CallTarget } from '@opsconductor/contracts'
import type { CallPath } from './store.ts'

export const callTargetToWire = (path: CallPath, sourceProjectId: string): CallTarget => ({
  connector_id: path.id,
  connector: path.name,
  source_project_id: sourceProjectId,
  target_project_id: path.targetProjectId,
  nexus_endpoint_name: path.endpointName,
  nexus_service_name: path.serviceName,
  call_seconds_max: path.authConfig.call_seconds_max,
  interface_id: path.interfaceId,
  interface_type: path.interfaceType,
  callable_name: path.callableName,
  input_schema: path.inputSchema as CallTarget['input_schema'],
  output_schema: path.outputSchema as CallTarget['output_schema'],
  workflow: {
    kind: path.kind,
    job_id: path.jobId,
    job_version: path.jobVersion,
    workflow_type: path.workflowType,
    task_queue: path.taskQueue,
    workflow_id: path.workflowId,
  },
})
