import { AppError, toAppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import type { Order } from '../acme/answers.ts'
import { toIdentifier } from '../acme/identifiers.ts'
import type { Acme, NewOrder } from '../acme/open-acme.ts'
import { acmeTypeOf, problemError } from '../acme/problem.ts'
import type { Solver } from '../challenges/solver.ts'
import { makeRequest } from './make-request.ts'
import { type Polled, poll } from './poll.ts'
import { showControl } from './show-control.ts'

export interface OrderWork {
  names: readonly string[]
  solver: Solver
  /** Asked for when the CA is ready for the request. */
  key(): Promise<SecretValue>
  onProgress(step: IssuingStep): void
  signal: AbortSignal
}

export type IssuingStep = 'rehearsing' | 'ordering' | 'showing_control' | 'finalizing' | 'keeping'

/** Without `replaces` where the CA has a problem with the order: it is a favour to the CA (RFC 9773 section 5). */
export async function createOrder(
  acme: Acme,
  names: readonly string[],
  { profile, replaces }: Pick<NewOrder, 'profile' | 'replaces'>,
): Promise<Order> {
  const order = { identifiers: names.map(toIdentifier), ...(profile === undefined ? {} : { profile }) }
  if (replaces === undefined) return acme.createOrder(order)
  try {
    return await acme.createOrder({ ...order, replaces })
  } catch (error) {
    // CAs have many words for what they do not take; one that has enough of us is not asked again.
    if (!acmeTypeOf(error) || toAppError(error).code === 'too_many_requests') throw error
    return acme.createOrder(order)
  }
}

/** Brings an order from wherever it is to its certificate, which can be downloaded then. */
export async function runOrder(acme: Acme, given: Order, work: OrderWork): Promise<Order> {
  const { names, solver, signal, onProgress } = work
  let order = given
  if (order.status === 'pending') {
    onProgress('showing_control')
    await showControl(acme, order, { names, solver, signal })
    order = await settle(acme, ['pending'], signal, { url: order.url })
  }
  if (order.status === 'ready') {
    onProgress('finalizing')
    order = await finalize(acme, order, await makeRequest(await work.key(), names), signal)
  }
  const known = { thing: order, from: order.finalize }
  return settle(acme, ['ready', 'processing'], signal, { url: given.url, known })
}

/** Where its answer was lost the CA may have taken the request all the same, and nobody else will have its key. */
async function finalize(acme: Acme, order: Order, request: string, signal: AbortSignal): Promise<Order> {
  try {
    return await acme.finalize(order, request)
  } catch (error) {
    signal.throwIfAborted()
    if (!toAppError(error).retryable) throw error
    const seen = await acme.order(order.url).catch(() => undefined)
    if (seen?.status === 'processing' || seen?.status === 'valid') return seen
    throw error
  }
}

/** Asks until the order is in none of the states. Throws what the CA says where it is invalid. */
async function settle(
  acme: Acme,
  states: readonly Order['status'][],
  signal: AbortSignal,
  of: Pick<Polled<Order>, 'url' | 'known'>,
): Promise<Order> {
  const isSettled = ({ status }: Order) => !states.includes(status)
  const order = await poll(acme, { ...of, ask: acme.order, isSettled, signal })
  if (order.status === 'invalid')
    throw problemError(order.error ?? { detail: 'the order has become invalid' }, { status: 0 })
  if (order.status === 'pending')
    throw new AppError('target_failed', 'The certificate authority went back on the order.')
  return order
}
