import { agentCall } from './agent-call.ts'
import type { AnyStepType } from './define-step-type.ts'
import { forEach } from './for-each.ts'
import { httpDelete } from './http-delete.ts'
import { httpGet } from './http-get.ts'
import { httpPatch } from './http-patch.ts'
import { httpPost } from './http-post.ts'
import { httpPut } from './http-put.ts'
import { jobRun } from './job-run.ts'
import { llmCall } from './llm-call.ts'
import { projectCall } from './project-call.ts'
import { projectQuery } from './project-query.ts'
import { projectSignal } from './project-signal.ts'
import { projectStart } from './project-start.ts'
import { set } from './set.ts'
import { snmpDiscover } from './snmp-discover.ts'
import { snmpGet } from './snmp-get.ts'
import { snmpSet } from './snmp-set.ts'
import { snmpWalk } from './snmp-walk.ts'
import { sqlExecute } from './sql-execute.ts'
import { sqlQuery } from './sql-query.ts'
import { sqlScript } from './sql-script.ts'
import { sshDownload } from './ssh-download.ts'
import { sshExec } from './ssh-exec.ts'
import { sshScript } from './ssh-script.ts'
import { sshUpload } from './ssh-upload.ts'
import { tlsCheck } from './tls-check.ts'
import { toolCall } from './tool-call.ts'
import { wait } from './wait.ts'
import { webhookCall } from './webhook-call.ts'

/** A new step type is one file, its test and one line here. */
const stepTypeList: readonly AnyStepType[] = [
  agentCall,
  forEach,
  httpDelete,
  httpGet,
  httpPatch,
  httpPost,
  httpPut,
  jobRun,
  llmCall,
  projectCall,
  projectQuery,
  projectSignal,
  projectStart,
  set,
  snmpDiscover,
  snmpGet,
  snmpSet,
  snmpWalk,
  sqlExecute,
  sqlQuery,
  sqlScript,
  sshDownload,
  sshExec,
  sshScript,
  sshUpload,
  tlsCheck,
  toolCall,
  wait,
  webhookCall,
]

/** Every step type, by its name. */
export const stepTypes: ReadonlyMap<string, AnyStepType> = new Map(
  stepTypeList.map((stepType) => [stepType.type, stepType]),
)
