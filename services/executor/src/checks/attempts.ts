import type { Check } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { tryTls } from '@opsconductor/reach'
import { assertExpected } from '../http/answer/expectations.ts'
import { hmacCredentialTypes } from '../http/auth/hmac.ts'
import { sendHttpStep } from '../http/http-step.ts'
import { HttpStepInput } from '../http/http-step-input.ts'
import { getValues } from '../snmp/get-values.ts'
import { runQuery } from '../sql/run-query.ts'
import type { StepTools } from '../step-types/define-step-type.ts'

type CheckOf<Kind extends Check['kind']> = Extract<Check, { kind: Kind }>

/** Tries the credential once. Throws the error that a step would have; where the target refused who we are, one that says so. */
export async function attempt(check: Check, tools: StepTools): Promise<void> {
  switch (check.kind) {
    case 'http':
      return await tryHttp(check, tools)
    case 'sql':
      return await trySql(tools)
    case 'snmp':
      return await trySnmp(check, tools)
    case 'ssh':
      return await trySsh(check, tools)
    case 'tls':
      return await tryTls(check, tools)
  }
}

async function tryHttp(
  { url, method, expect_status, headers = {} }: CheckOf<'http'>,
  tools: StepTools,
): Promise<void> {
  const input = HttpStepInput.parse({ url, headers })
  const { credential } = tools
  // A step says how it signs; without that there is only to be tried whether the target is there.
  const isForSigning = credential !== undefined && hmacCredentialTypes.includes(credential.type)
  const how = isForSigning ? { ...tools, credential: undefined } : tools
  const { status } = await sendHttpStep(method, input, how, { ignoresBody: true })
  if ((status === 401 || status === 403) && !expect_status?.includes(status)) {
    if (isForSigning) return
    throw new AppError(
      'target_refused',
      credential === undefined
        ? `The target wants a credential: it answered ${status}.`
        : `The target refused the credential: it answered ${status}.`,
      { internal: { refusedCredential: true } },
    )
  }
  assertExpected({ status, headers: {}, body: null }, expect_status)
}

async function trySql(tools: StepTools): Promise<void> {
  await tools.withDatabase((session) =>
    runQuery(session, { sql: session.dialect.probe, parameters: [], rowsMax: 1 }),
  )
}

/** sysUpTime.0, which every agent has; but one that hides it from the credential has answered to it all the same. */
const upTime = '1.3.6.1.2.1.1.3.0'

async function trySnmp({ host, port }: CheckOf<'snmp'>, tools: StepTools): Promise<void> {
  const { openAgent } = await import('../snmp/session.ts')
  const agent = await openAgent({ host, port, timeoutMs: 2_000, retries: 1 }, tools)
  try {
    await getValues(agent, [upTime])
  } finally {
    agent.close()
  }
}

/** Logging in is all there is to try. */
const trySsh = ({ host, port }: CheckOf<'ssh'>, tools: StepTools): Promise<void> =>
  tools.ssh({ host, port }, async () => {})
