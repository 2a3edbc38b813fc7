import type { Check } from '@opsconductor/contracts'
import { z } from 'zod'
import { pathBelow } from './path-below.ts'
import { BaseUrl, SettingHeaders } from './settings-fields.ts'

const HealthPath = z
  .string()
  .max(2_000)
  .refine((path) => {
    try {
      return pathBelow('https://any.example/', path) !== ''
    } catch {
      return false
    }
  }, 'must be a path below the base URL')

/** Of a system whose paths are below one URL. */
export const baseUrlSettings = {
  base_url: BaseUrl,
  headers: SettingHeaders,
  /** Below the base URL: what answers 2xx when the system is well. Left out: the base URL itself. */
  health_path: HealthPath.optional(),
}

export const checkBelowBase = (settings: {
  base_url: string
  headers?: Record<string, string> | undefined
  health_path?: string | undefined
}): Check => ({
  kind: 'http',
  method: 'GET',
  url: pathBelow(settings.base_url, settings.health_path),
  ...(settings.headers === undefined ? {} : { headers: settings.headers }),
})
