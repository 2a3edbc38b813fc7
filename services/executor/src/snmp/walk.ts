import { AppError } from '@opsconductor/errors'
import type { Varbind } from './net-snmp.ts'
import { compareOids, isBelow } from './oid.ts'
import type { AgentSession } from './session.ts'
import { AgentRefusal, errorStatus, isSilence, refusalError } from './snmp-error.ts'

/** From here on: noSuchObject, noSuchInstance, endOfMibView. */
const exceptionTypes = 128
const repetitionsFirst = 20
const repetitionsMax = 60

/**
 * Everything below `root`, as it comes, some at a time; while those are looked at, the next are asked for. An agent that
 * goes in circles is stopped at its first step back; one that never ends goes on for as long as it is asked.
 */
export async function* walk(
  session: AgentSession,
  root: string,
  repetitions?: number,
): AsyncGenerator<Varbind[]> {
  const next = session.version === 'v1' ? nextOne(session) : nextMany(session, repetitions)
  const ask = async (last: string) => takeRows(await next(last), last, root)
  let answer = await ask(root)
  // The root may be one variable itself, which has nothing below it.
  if (answer.rows.length === 0) answer = { rows: await itself(session, root), isLast: true }
  while (answer.rows.length > 0) {
    const { rows, isLast } = answer
    const coming = isLast ? undefined : ask((rows.at(-1) as Varbind).oid)
    // Who takes no more rows does not wait for it.
    coming?.catch(() => {})
    yield rows
    if (coming === undefined) return
    answer = await coming
  }
}

/** What of an answer lies below the root, and whether that is all there is. */
function takeRows(
  answer: readonly Varbind[],
  last: string,
  root: string,
): { rows: Varbind[]; isLast: boolean } {
  const rows: Varbind[] = []
  let before = last
  for (const varbind of answer) {
    if (varbind.type >= exceptionTypes || !isBelow(varbind.oid, root)) return { rows, isLast: true }
    if (compareOids(varbind.oid, before) <= 0) throw goesBack()
    rows.push(varbind)
    before = varbind.oid
  }
  return { rows, isLast: rows.length === 0 }
}

const goesBack = () =>
  new AppError('target_failed', 'The agent does not walk forward: it answered with a variable from before.')

async function itself(session: AgentSession, root: string): Promise<Varbind[]> {
  try {
    return (await session.get([root])).filter(({ type, oid }) => type < exceptionTypes && oid === root)
  } catch (error) {
    if (error instanceof AgentRefusal) return []
    throw error
  }
}

const nextOne = (session: AgentSession) => async (last: string) => {
  try {
    return await session.getNext(last)
  } catch (error) {
    if (error instanceof AgentRefusal && error.status === errorStatus.noSuchName) return []
    throw error instanceof AgentRefusal ? refusalError(error, [last]) : error
  }
}

/** Asks for more at a time while that goes well, and for half as many where an answer is too big or does not come. */
function nextMany(session: AgentSession, wanted: number | undefined) {
  let most = wanted ?? repetitionsMax
  let repetitions = Math.min(wanted ?? repetitionsFirst, most)
  return async (last: string): Promise<Varbind[]> => {
    for (let sent = 1; ; sent++)
      try {
        const answer = await session.getBulk(last, repetitions, 0)
        const isCut = answer.length < repetitions
        repetitions = isCut ? Math.max(1, answer.length) : Math.min(most, Math.ceil(repetitions * 1.5))
        return answer
      } catch (error) {
        const isTooBig = error instanceof AgentRefusal && error.status === errorStatus.tooBig
        if (isTooBig && repetitions > 1) sent--
        else if (!isSilence(error) || sent > session.retries)
          throw error instanceof AgentRefusal ? refusalError(error, [last]) : error
        repetitions = Math.max(1, Math.floor(repetitions / 2))
        most = repetitions
      }
  }
}
