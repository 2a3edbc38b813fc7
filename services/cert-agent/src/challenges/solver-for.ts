import { setTimeout as delay } from 'node:timers/promises'
import { type Challenge, ChallengeToken } from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import { chooseChallenge } from './choose-challenge.ts'
import { type OpenDnsAccount, openDnsAccount, solveByDns } from './solve-by-dns.ts'
import { solveByGateway } from './solve-by-gateway.ts'
import { solveOnServer } from './solve-on-server.ts'
import type { ChallengeResponse, Solver } from './solver.ts'
import type { SolverDeps, SolverOf, Solving } from './solver-deps.ts'

const cleanUpMsMax = 60_000
/** Before the second attempt to clean up, and the third. */
const cleanUpAgainMs = [1_000, 5_000]

interface Shown extends SolverOf {
  challenges: readonly Challenge[]
}

/** How each challenge is answered, the same whenever it is asked for: an account is opened once for all names. */
function createSolvings(deps: SolverDeps, { challenges, ...of }: Shown) {
  const accounts = new Map<string, Promise<OpenDnsAccount>>()
  const underWay = new Map<string, Solving>()

  function openAccount(id: string, within: AbortSignal): Promise<OpenDnsAccount> {
    const opening = accounts.get(id) ?? openDnsAccount(deps, of, id, within)
    accounts.set(id, opening)
    // What failed is tried anew by who asks next.
    opening.catch(() => accounts.delete(id))
    return opening
  }

  function start(name: string, response: ChallengeResponse): Solving {
    const challenge = challengeOf(challenges, name)
    if (challenge.type === 'dns-01') {
      const { alias, dns_account_id: id } = challenge
      return solveByDns(deps, of, { name, alias, open: (within) => openAccount(id, within) }, response)
    }
    const { server_id: serverId, webroot } = challenge
    if (serverId === null) return solveByGateway(deps, response)
    if (webroot === null)
      throw new AppError('validation_failed', 'A challenge on a server needs the folder that it serves.')
    return solveOnServer(deps, of, { serverId, webroot }, response)
  }

  return (name: string, response: ChallengeResponse): Solving => {
    assertPlain(response)
    const key = `${name} ${response.token}`
    const solving = underWay.get(key) ?? start(name, response)
    underWay.set(key, solving)
    return solving
  }
}

export function solverFor(deps: SolverDeps, shown: Shown): Solver {
  const { challenges, signal, ...of } = shown
  const solvingOf = createSolvings(deps, shown)

  /** Who dies from then on is followed by a chore that takes it away. */
  async function remember(name: string, response: ChallengeResponse, place?: string): Promise<void> {
    const chosen = challengeOf(challenges, name)
    const challenge = chosen.type === 'dns-01' ? { ...chosen, alias: place ?? chosen.alias } : chosen
    await deps.presentedChallenges.add({ ...of, name, challenge, ...response }, deps.now())
  }

  const record = (action: string, name: string, failure?: AppError) =>
    deps.audit.record({
      ...{ projectId: of.projectId, operationId: of.operationId, actor: of.actor, action },
      outcome: failure === undefined ? 'succeeded' : 'failed',
      detail: {
        ...{ name, type: challengeOf(challenges, name).type },
        ...(failure !== undefined && { code: failure.code }),
      },
    })

  return {
    choose: (name) => challengeOf(challenges, name).type,
    async present(name, response) {
      try {
        await solvingOf(name, response).present(signal, (place) => remember(name, response, place))
      } catch (error) {
        await record('challenge.present', name, toAppError(error))
        throw error
      }
      await record('challenge.present', name)
    },
    visible: (name, response) => solvingOf(name, response).visible(signal),
    async cleanUp(name, response) {
      const presented = { projectId: of.projectId, name, token: response.token }
      try {
        if (!isByGateway(challengeOf(challenges, name)) && !(await deps.presentedChallenges.has(presented)))
          return
        const within = AbortSignal.timeout(cleanUpMsMax)
        await again(() => solvingOf(name, response).cleanUp(within), within)
        await deps.presentedChallenges.remove(presented)
        await record('challenge.clean-up', name)
      } catch (error) {
        deps.log.warn({ err: error, operation_id: of.operationId, name }, 'a challenge was left behind')
        await record('challenge.clean-up', name, toAppError(error)).catch(() => {})
      }
    },
  }
}

function challengeOf(challenges: readonly Challenge[], name: string): Challenge {
  const chosen = chooseChallenge(challenges, name)
  if ('fault' in chosen) throw new AppError('validation_failed', `${name} ${chosen.fault}.`)
  return chosen
}

/** Its answer is a row of our own, which ends by itself. */
const isByGateway = (challenge: Challenge): boolean =>
  challenge.type === 'http-01' && challenge.server_id === null

/** The token becomes a file's name and a part of a path: what a CA gives is held against RFC 8555 section 8 first. */
function assertPlain({ token, keyAuthorization }: ChallengeResponse): void {
  const [first, thumbprint = '', ...rest] = keyAuthorization.split('.')
  const isPlain =
    ChallengeToken.safeParse({ token }).success &&
    first === token &&
    /^[A-Za-z0-9_-]{43}$/.test(thumbprint) &&
    rest.length === 0
  if (!isPlain) throw new AppError('target_refused', 'The CA gave a challenge whose token cannot be used.')
}

async function again(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++)
    try {
      return await work()
    } catch (error) {
      const waitMs = cleanUpAgainMs[attempt]
      if (!toAppError(error).retryable || waitMs === undefined) throw error
      await delay(waitMs, undefined, { signal })
    }
}
