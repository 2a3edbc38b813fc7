import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import { unlessAborted } from './unless-aborted.ts'

/** A lease that was taken. */
interface Hold {
  /** Fires where another may have it now. */
  lost: AbortSignal
  release(): Promise<void>
}

/** Those who hold a lease together. */
interface Sharing {
  hold: Promise<Hold>
  users: number
  /** When the lease was taken. */
  since: number | undefined
  abandon: AbortController
}

/**
 * Work that must not overlap, whichever process does it: on one certificate (`certificate:<id>`), or on one server
 * (`server:<id>`). A holder that dies loses its lease after `leaseMs`.
 */
export function createLeases(
  pool: pg.Pool,
  { leaseMs = 15_000, renewEveryMs = 3_000, tryAgainMs = 250, joinMsMax = 30_000 } = {},
) {
  const sharings = new Map<string, Sharing>()

  const take = async (key: string, token: string): Promise<boolean> => {
    const { rowCount } = await pool.query(
      `INSERT INTO cert_agent.leases (key, holder, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
       ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE leases.holder = excluded.holder OR leases.expires_at < now()`,
      [key, token, leaseMs / 1_000],
    )
    return rowCount === 1
  }

  async function hold(key: string, signal: AbortSignal): Promise<Hold> {
    // Of this acquisition alone: two attempts of one operation must not overlap either.
    const token = randomUUID()
    let keptAt = performance.now()
    while (!(await take(key, token))) {
      await delay(tryAgainMs, undefined, { signal })
      keptAt = performance.now()
    }
    const lost = new AbortController()
    const lose = (error: AppError) => {
      clearInterval(renewing)
      lost.abort(error)
    }
    const renewing = setInterval(() => {
      const askedAt = performance.now()
      if (askedAt - keptAt > leaseMs - renewEveryMs) return lose(notRenewed())
      take(key, token).then(
        (isHeld) => {
          if (isHeld) keptAt = askedAt
          else lose(takenOver())
        },
        () => {},
      )
    }, renewEveryMs)
    return {
      lost: lost.signal,
      async release() {
        clearInterval(renewing)
        await pool
          .query('DELETE FROM cert_agent.leases WHERE key = $1 AND holder = $2', [key, token])
          .catch(() => {})
      },
    }
  }

  const letNobodyJoin = (key: string, sharing: Sharing): void => {
    if (sharings.get(key) === sharing) sharings.delete(key)
  }

  function share(key: string): Sharing {
    const abandon = new AbortController()
    const sharing: Sharing = { hold: hold(key, abandon.signal), users: 0, since: undefined, abandon }
    sharings.set(key, sharing)
    const close = () => letNobodyJoin(key, sharing)
    sharing.hold.then(({ lost }) => {
      sharing.since = performance.now()
      lost.addEventListener('abort', close, { once: true })
    }, close)
    return sharing
  }

  return {
    /**
     * Waits for the lease, holds it while `work` runs, and gives it back. `work`'s signal fires where it was lost or
     * `signal` fires.
     */
    async withLease<T>(
      key: string,
      signal: AbortSignal,
      work: (signal: AbortSignal) => Promise<T>,
    ): Promise<T> {
      const { lost, release } = await hold(key, signal)
      try {
        return await work(AbortSignal.any([signal, lost]))
      } finally {
        await release()
      }
    },

    /**
     * The same, but held together with whoever else of this process asks for it meanwhile; not with who comes after
     * `joinMsMax`, so that other processes have it too.
     */
    async withSharedLease<T>(
      key: string,
      signal: AbortSignal,
      work: (signal: AbortSignal) => Promise<T>,
    ): Promise<T> {
      const known = sharings.get(key)
      const isLate = known?.since !== undefined && performance.now() - known.since > joinMsMax
      const sharing = known === undefined || isLate ? share(key) : known
      sharing.users++
      try {
        const { lost } = await unlessAborted(sharing.hold, signal)
        return await work(AbortSignal.any([signal, lost]))
      } finally {
        if (--sharing.users === 0) {
          letNobodyJoin(key, sharing)
          sharing.abandon.abort()
          await sharing.hold.then(
            ({ release }) => release(),
            () => {},
          )
        }
      }
    },
  }
}

const takenOver = () => new AppError('conflict', 'Another operation has taken over.')
const notRenewed = () =>
  new AppError('service_unavailable', 'The database did not answer, so that another may have taken over.')
