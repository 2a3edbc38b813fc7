import type { Check } from '@opsconductor/contracts'
import { SettingHeaders, SystemUrl } from './settings-fields.ts'

/** Of a system that is called at one URL. */
export const calledUrlSettings = {
  url: SystemUrl,
  headers: SettingHeaders,
  /** On the same host: what answers 2xx when the system is well. Left out: a GET of `url` that is understood. */
  health_url: SystemUrl.optional(),
}

interface CalledUrl {
  url: string
  headers?: Record<string, string> | undefined
  health_url?: string | undefined
}

/** The credential is sent there too. */
export const isOnSameHost = ({ url, health_url: health }: CalledUrl): boolean =>
  health === undefined || URL.parse(health)?.hostname === URL.parse(url)?.hostname

export const sameHostFault = { path: ['health_url'], error: 'must be on the same host as url' }

/** What takes POST alone says 405 to a GET, or that the body is missing; each means that it is there and let us in. */
const understood = [200, 201, 202, 204, 400, 405, 415, 422]

export const checkCalledUrl = ({ url, headers, health_url }: CalledUrl): Check => ({
  kind: 'http',
  method: 'GET',
  url: health_url ?? url,
  ...(health_url === undefined ? { expect_status: understood } : {}),
  ...(headers === undefined ? {} : { headers }),
})
