import { HeaderValue, SettableHeaderName, TargetUrl } from '@opsconductor/contracts'
import { z } from 'zod'

// What the settings of several kinds have in common.

const PlainUrl = TargetUrl.regex(/^[^\s\\\p{Cc}]*$/u, 'must not hold spaces, control characters or \\')

/** Where a system is, whole: its own query stays. */
export const SystemUrl = PlainUrl.refine((text) => !text.includes('#'), 'must not have a fragment')

/** What paths are put behind. */
export const BaseUrl = PlainUrl.refine((text) => !/[?#]/.test(text), 'must not have a query or a fragment')

/** Words in the name of a header that says who asks: that is the credential's part, and settings are public. */
const secretWords =
  /(?:^|[-_])(?:x?auth(?:entication|orization|orisation)?|cookie2?|\w*key|\w*token|jwt|bearer|secret|pass(?:word|wd|phrase)?|credentials?|signature|session)(?:$|[-_])/i

const SettingHeaderName = SettableHeaderName.refine(
  (name) => !secretWords.test(name),
  'must not be a header that authenticates: that is for the credential',
).refine((name) => name.toLowerCase() !== 'content-type', 'must not be the type of a body: steps have bodies')

const headersMax = 50

/** Sent with each request, unless a step says otherwise. */
export const SettingHeaders = z
  .record(SettingHeaderName, HeaderValue)
  .refine((headers) => {
    const names = Object.keys(headers)
    return new Set(names.map((name) => name.toLowerCase())).size === names.length
  }, 'must not have a name twice')
  .refine((headers) => Object.keys(headers).length <= headersMax, `must not have more than ${headersMax}`)
  .optional()

export const Port = z.number().int().min(1).max(65_535)

/** The types of credentials that open what is spoken to over HTTP, as steps take them. */
export const httpCredentials = ['bearer_token', 'api_key', 'http_basic', 'oauth2_client', 'aws', 'custom']
