import { AppError } from '@opsconductor/errors'
import { type Authorization, type Order, Token } from '../acme/answers.ts'
import { canonicalName, nameOf } from '../acme/identifiers.ts'
import type { Acme } from '../acme/open-acme.ts'
import { acmeTypeOf, problemError } from '../acme/problem.ts'
import type { ChallengeResponse, Solver } from '../challenges/solver.ts'
import { poll } from './poll.ts'

interface Shown {
  /** As the certificate has it. */
  name: string
  response: ChallengeResponse
  challengeUrl: string
  authorization: Authorization
  /** By an attempt before this one. */
  isAnswered: boolean
}

/** Shows the CA that the names of the order are ours; what was put anywhere for that is gone when this ends. */
export async function showControl(
  acme: Acme,
  order: Order,
  { names, solver, signal }: { names: readonly string[]; solver: Solver; signal: AbortSignal },
): Promise<void> {
  const authorizations = await Promise.all(order.authorizations.map(acme.authorization))
  const pending = authorizations.filter(({ status }) => status !== 'valid')
  const shown = await Promise.all(pending.map((one) => plan(acme, one, names, solver)))
  try {
    for (const { name, response } of shown) await solver.present(name, response)
    await allOf(shown.map(({ name, response }) => solver.visible(name, response)))
    for (const one of shown) if (!one.isAnswered) await answer(acme, one)
    await untilValid(acme, shown, signal)
  } finally {
    await Promise.all(shown.map(({ name, response }) => solver.cleanUp(name, response)))
  }
}

async function plan(
  acme: Acme,
  authorization: Authorization,
  names: readonly string[],
  solver: Solver,
): Promise<Shown> {
  if (authorization.status !== 'pending') throw refusalOf(authorization)
  const asked = nameOf(authorization)
  const name = names.find((one) => canonicalName(one) === asked)
  if (name === undefined)
    throw new AppError(
      'target_refused',
      'The certificate authority wants control shown over a name that was not asked for.',
    )
  const type = solver.choose(name)
  const challenge = authorization.challenges.find((one) => one.type === type)
  if (challenge === undefined)
    throw new AppError('target_refused', `The certificate authority offers no ${type} for ${name}.`, {
      errors: [{ path: name, message: `${type} is not offered` }],
    })
  const token = Token.safeParse(challenge.token)
  if (!token.success)
    throw new AppError(
      'target_refused',
      'The certificate authority gave a challenge that cannot be answered.',
    )
  const keyAuthorization = await acme.keyAuthorization(token.data)
  return {
    name,
    response: { token: token.data, keyAuthorization },
    challengeUrl: challenge.url,
    authorization,
    isAnswered: challenge.status === 'processing',
  }
}

/** CAs refuse an answer to what they have judged meanwhile, on the answer of an attempt before this one. */
async function answer(acme: Acme, { challengeUrl, authorization }: Shown): Promise<void> {
  try {
    await acme.answerChallenge(challengeUrl)
  } catch (error) {
    if (acmeTypeOf(error) !== 'malformed') throw error
    const { status } = await acme.authorization(authorization.url)
    if (status === 'pending') throw error
  }
}

/** Throws what the CA says of every name that it does not believe to be ours. */
async function untilValid(acme: Acme, shown: readonly Shown[], signal: AbortSignal): Promise<void> {
  const judged = await allOf(
    shown.map(({ authorization, challengeUrl }) =>
      poll(acme, {
        url: authorization.url,
        ask: acme.authorization,
        isSettled: ({ status }) => status !== 'pending',
        signal,
        known: { thing: authorization, from: challengeUrl },
      }),
    ),
  )
  const refusals = judged.filter(({ status }) => status !== 'valid').map(refusalOf)
  // What one name can never have is not tried again for the sake of another.
  const worst = refusals.find(({ retryable }) => !retryable) ?? refusals[0]
  if (worst === undefined) return
  throw new AppError(worst.code, worst.message, {
    ...(worst.internal === undefined ? {} : { internal: worst.internal }),
    errors: refusals.flatMap(({ errors = [] }) => errors),
  })
}

/** None goes on once this has thrown: what they look at is taken away then. */
async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(works)
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

function refusalOf(authorization: Authorization): AppError {
  const name = nameOf(authorization)
  const error = authorization.challenges.find((one) => one.error !== undefined)?.error
  return problemError(error ?? { detail: `the authorization is ${authorization.status}` }, {
    status: 0,
    name,
  })
}
