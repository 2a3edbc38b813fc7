import { randomUUID } from 'node:crypto'
import type { RunWithSteps } from '@opsconductor/contracts'
import type { z } from 'zod'
import { createJob, type ExecutorUnderTest, runToEnd } from '../support/executor.ts'
import type { Case } from './cases.ts'
import type { Auth, ExampleStep, NewCredential, PlayedFamily, Target } from './family.ts'

type NamedStep = ExampleStep & { id: string }
type Run = z.infer<typeof RunWithSteps>

/** Runs the examples as the steps of one job; what the run says of each that did not succeed. */
export async function runCases(
  executor: ExecutorUnderTest,
  cases: readonly Case[],
  { input, before = [] }: PlayedFamily,
): Promise<string[]> {
  const examples = cases.map(({ auth, step }, index) => ({
    ...withId(step, `case_${index}`),
    ...loginOf(executor, auth),
    continue_on_error: true,
  }))
  const { status, error, steps } = await runSteps(executor, [...before, ...examples], input)
  if (status !== 'succeeded') return [JSON.stringify(error)]
  return cases.flatMap(({ title, auth, target }, index) => {
    const attempts = steps.filter(({ step_id }) => step_id === `case_${index}`)
    if (attempts.some((attempt) => attempt.status === 'succeeded')) return []
    return [`${title}, ${auth.name}, ${target.name}: ${JSON.stringify(attempts.at(-1)?.error)}`]
  })
}

/** Makes what the examples expect to find on the target. */
export async function prepareTarget(
  executor: ExecutorUnderTest,
  { name, prepare = [], auths }: Target,
): Promise<void> {
  if (prepare.length === 0) return
  const login = loginOf(executor, auths[0] as Auth)
  const { status, error } = await runSteps(
    executor,
    prepare.map((step) => ({ ...step, ...login })),
    {},
  )
  if (status !== 'succeeded') throw new Error(`${name} could not be prepared: ${JSON.stringify(error)}`)
}

/** Ids are a job's own, those of the steps inside a loop too. */
const withId = (step: ExampleStep, id: string): NamedStep => ({
  ...step,
  id,
  ...(step.steps && { steps: step.steps.map((inner, index) => withId(inner, `${id}_${index}`)) }),
})

function loginOf({ projectId, broker }: ExecutorUnderTest, auth: Auth) {
  const named = (credential: NewCredential) =>
    broker.add({ projectId, name: randomUUID(), ...credential }).name
  return {
    ...(auth.credential && { credential: named(auth.credential) }),
    ...(auth.clientCertificate && { client_certificate: named(auth.clientCertificate) }),
  }
}

async function runSteps(
  executor: ExecutorUnderTest,
  steps: readonly NamedStep[],
  input: PlayedFamily['input'],
): Promise<Run> {
  const job = await createJob(executor, { steps })
  return (await runToEnd(executor, job.id, input)) as Run
}
