import { ChallengeToken } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type AnyRoute, createRateLimit, openRoute } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'

const perAddress = {
  max: 600,
  windowMs: 60_000,
  detail: 'Too many challenges were asked for from this address.',
}

/** What a CA asks for to see that a name leads here (RFC 8555 section 8.3). Nobody is known there, so nobody is asked who they are. */
export function challengeRoutes({ httpChallenges, now }: Pick<Deps, 'httpChallenges' | 'now'>): AnyRoute[] {
  const limit = createRateLimit(perAddress)
  return [
    openRoute({
      method: 'get',
      path: '/.well-known/acme-challenge/{token}',
      summary: 'The answer to a challenge of http-01, as text.',
      action: null,
      params: ChallengeToken,
      answers: { 200: null },
      async handle({ params, clientAddress }) {
        limit.take(clientAddress)
        const answer = await httpChallenges.find(params.token, now())
        if (answer === undefined) throw new AppError('not_found', 'There is no such challenge.')
        return {
          status: 200,
          headers: { 'Content-Type': 'text/plain; charset=utf-8' },
          content: asBytes(answer),
        }
      },
    }),
  ]
}

async function* asBytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
