import type { Check } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { assertExpected, HttpStepInput, sendHttpStep } from '../http/http-step.ts'
import type { StepTools } from '../step-types/define-step-type.ts'

/** Throws the error that a step would have; where the target refused who we are, one that says so. */
export async function tryHttp(
  { url, method, expect_status }: Extract<Check, { kind: 'http' }>,
  tools: StepTools,
): Promise<void> {
  const input = HttpStepInput.parse({ url })
  const { status } = await sendHttpStep(method, input, tools, { ignoresBody: true })
  if ((status === 401 || status === 403) && !expect_status?.includes(status))
    throw new AppError('target_refused', `The target refused the credential: it answered ${status}.`, {
      internal: { refusedCredential: true },
    })
  assertExpected({ status, headers: {}, body: null }, expect_status)
}

export async function trySql(tools: StepTools): Promise<void> {
  await tools.sql({ sql: 'SELECT 1', values: [], rowsMax: 1 })
}
