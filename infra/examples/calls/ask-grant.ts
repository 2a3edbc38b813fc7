import { hashJson } from '@opsconductor/auth'
import type { CallOperation, grantCallEndpoint } from '@opsconductor/contracts'
import { ApplicationFailure } from '@temporalio/client'
import type { z } from 'zod'

export interface AskedGrant {
  /** The project connector, by id. */
  connector: string
  operation: CallOperation
  /** These three make the call: with the same ones, its effect happens once, however often it is repeated. */
  run_id: string
  step_id: string
  input: unknown
}

export type Granted = z.infer<typeof grantCallEndpoint.answer>

/** An activity, for workflow code holds no keys. The API key needs the scope `manage:project-calls`. */
export function createAskGrant({ gatewayUrl, apiKey }: { gatewayUrl: string; apiKey: string }) {
  return async function askGrant({ connector, input, ...call }: AskedGrant): Promise<Granted> {
    const answer = await fetch(`${gatewayUrl}/api/project-connectors/${connector}/grants`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      body: JSON.stringify({ ...call, input_sha256: hashJson(input), seconds: 30 }),
    })
    if (answer.ok) return (await answer.json()) as Granted
    const { code, detail } = (await answer.json()) as { code: string; detail: string }
    // A refusal stays one; what is away for a moment is asked again.
    throw ApplicationFailure.create({ type: code, message: detail, nonRetryable: answer.status < 500 })
  }
}
