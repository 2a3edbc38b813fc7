import type { GrantsPeer } from '../project-calls/grants-peer.ts'
import { joinTargetProject } from '../project-calls/target-project.ts'
import type { ExecutorUnderTest } from '../support/executor.ts'
import type { Family } from './family.ts'

/** Steps that call another project. */
export const projectFamily: Family = {
  plays: (type) => type.startsWith('project.'),
  start: async () => ({
    targets: [
      {
        name: 'job and workflow of another project, over Nexus',
        auths: [{ name: 'none' }],
        place: (step) => step,
      },
    ],
    ports: [],
    input: {},
    stop: async () => {},
  }),
}

/** The other project, with the connectors that the examples name. */
export async function startOtherProject(executor: ExecutorUnderTest, grants: GrantsPeer) {
  const project = await joinTargetProject({ ...executor, temporal: executor.deps.temporal }, grants)
  const { workflow } = await project.addConnector({
    connector: 'billing-pause',
    interface_type: 'signal',
    callable_name: 'note',
  })
  await project.addConnector({
    connector: 'billing-status',
    interface_type: 'query',
    callable_name: 'total',
  })
  await project.addConnector({
    connector: 'billing-report',
    workflow: { ...workflow, workflow_type: 'report', workflow_id: null },
  })
  await project.addJobConnector(
    { steps: [{ id: 'restart', type: 'set', input: { values: { host: '{{ input.host }}' } } }] },
    { connector: 'billing-restart' },
  )
  return project
}
