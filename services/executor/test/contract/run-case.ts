import { randomUUID } from 'node:crypto'
import { createJob, type ExecutorUnderTest, runToEnd } from '../support/executor.ts'
import type { Case } from './cases.ts'
import type { Auth, ExampleStep, NewCredential, PlayedFamily, Target } from './family.ts'

type NamedStep = ExampleStep & { id: string }

/** Runs the example as a job of its own; answers what the run says of itself where it did not succeed. */
export async function runCase(
  executor: ExecutorUnderTest,
  { auth, step }: Case,
  { input, before = [] }: PlayedFamily,
): Promise<string | undefined> {
  const example = { id: 'example', ...step, ...loginOf(executor, auth) }
  return await failureOf(executor, [...before, example], input)
}

/** Makes what the examples expect to find on the target. */
export async function prepareTarget(
  executor: ExecutorUnderTest,
  { name, prepare = [], auths }: Target,
): Promise<void> {
  if (prepare.length === 0) return
  const login = loginOf(executor, auths[0] as Auth)
  const failure = await failureOf(
    executor,
    prepare.map((step) => ({ ...step, ...login })),
    {},
  )
  if (failure !== undefined) throw new Error(`${name} could not be prepared: ${failure}`)
}

function loginOf({ projectId, broker }: ExecutorUnderTest, auth: Auth) {
  const named = (credential: NewCredential) =>
    broker.add({ projectId, name: randomUUID(), ...credential }).name
  return {
    ...(auth.credential && { credential: named(auth.credential) }),
    ...(auth.clientCertificate && { client_certificate: named(auth.clientCertificate) }),
  }
}

async function failureOf(
  executor: ExecutorUnderTest,
  steps: readonly NamedStep[],
  input: PlayedFamily['input'],
): Promise<string | undefined> {
  try {
    const job = await createJob(executor, { steps })
    const run = await runToEnd(executor, job.id, input)
    return run.status === 'succeeded' ? undefined : JSON.stringify(run.error)
  } catch (error) {
    return (error as Error).message
  }
}
