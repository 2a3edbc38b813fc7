import type { Reply } from '@opsconductor/service-kit'
import type { Call, CallContext } from './call-context.ts'
import { callEntity } from './call-entity.ts'
import { cancelRun } from './cancel-run.ts'
import { queryRun } from './run-status.ts'
import { startRun } from './start-run.ts'

/** Does what the interface is for: a job's run, its status or its end, or a call of a long-lived workflow. */
export async function answerCall(context: CallContext, call: Call): Promise<Reply> {
  if (context.target.kind === 'workflow') return callEntity(context, call)
  switch (context.target.interfaceType) {
    case 'update':
      return startRun(context, call)
    case 'query':
      return queryRun(context, call)
    case 'signal':
      return cancelRun(context, call)
  }
}
