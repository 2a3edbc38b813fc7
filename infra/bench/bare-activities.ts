import type pg from 'pg'
import type { Dispatcher } from 'undici'

export interface BareTargets {
  statusUrl: string
  authorization: string
  pool: pg.Pool
  http: Dispatcher
}

/** The same two calls as the demo job's steps, on the same libraries; and one query where a job writes its record. */
export function createBareActivities({ statusUrl, authorization, pool, http }: BareTargets) {
  return {
    async fetchStatus(service: string): Promise<unknown> {
      const { origin } = new URL(statusUrl)
      const { body } = await http.request({
        origin,
        path: `/services/${service}/status`,
        method: 'GET',
        headers: { authorization },
      })
      return body.json()
    },
    /** One request as a step of type http.get makes it. */
    async requestHealth(): Promise<unknown> {
      const { statusCode, headers, body } = await http.request({
        ...{ origin: new URL(statusUrl).origin, path: '/healthz', method: 'GET' },
      })
      return { status: statusCode, headers, body: await body.json() }
    },
    async askDatabase(): Promise<void> {
      await pool.query('SELECT 1')
    },
    async queryCatalogue(service: string): Promise<unknown> {
      const { rows } = await pool.query(
        'SELECT owner_team, tier, on_call FROM service_catalogue WHERE name = $1',
        [service],
      )
      return rows[0]
    },
  }
}

export type BareActivities = ReturnType<typeof createBareActivities>
