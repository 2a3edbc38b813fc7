import { AppError } from '@opsconductor/errors'
import type { HttpRequest } from './exchange.ts'

/** What another origin may be sent of what the job set; any other header may be somebody's secret. */
const headersForAnyone = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'user-agent',
])
const headersOfBody = ['content-type', 'content-encoding', 'content-language']

export const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/**
 * The request that a redirect asks for (RFC 9110 section 15.4): 303 with GET, 301 and 302 with GET where they answer a
 * POST, 307 and 308 the same again. At another origin it carries nothing that says who we are. Throws `target_refused`
 * where it leads nowhere that a step may go.
 */
export function redirected(
  request: HttpRequest,
  { status, headers }: { status: number; headers: Record<string, string> },
): HttpRequest {
  const url = locationOf(request.url, headers.location)
  const becomesGet =
    request.method !== 'HEAD' &&
    ((status === 303 && request.method !== 'GET') ||
      ((status === 301 || status === 302) && request.method === 'POST'))
  const staysHere = url.origin === request.url.origin
  return {
    ...request,
    url,
    ...(becomesGet ? { method: 'GET' as const, body: undefined } : {}),
    headers: Object.fromEntries(
      Object.entries(request.headers).filter(
        ([name]) =>
          (staysHere || headersForAnyone.has(name)) && !(becomesGet && headersOfBody.includes(name)),
      ),
    ),
    isAnonymous: request.isAnonymous || !staysHere,
  }
}

function locationOf(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href))
    throw refused('to no URL that can be followed')
  const url = new URL(location, from)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('to something that is not HTTP')
  if (from.protocol === 'https:' && url.protocol === 'http:') throw refused('from https to http')
  if (url.username !== '' || url.password !== '') throw refused('to a URL with credentials in it')
  url.hash = ''
  return url
}

const refused = (whither: string) =>
  new AppError('target_refused', `The target redirected ${whither}, which is not followed.`)
