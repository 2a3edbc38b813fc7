import { recordedPorts, type Step } from './recorded-steps.ts'

/** The recordings that are replayed; every step counts as claimed unless a rule below leaves it out. */
export const transcripts = [
  '01-info',
  '02-services',
  '03-services-list',
  '04-routes',
  '05-plugins',
  '06-consumers-credentials',
  '10-proxy-routing',
  '11-proxy-paths',
  '12-proxy-plugins',
  '13-proxy-headers-errors',
]

/** Fields of entities that are not stored here; the rest of an answer that shows them is compared. */
export const fieldsLeftOut: ReadonlySet<string> = new Set([
  // Certificates, to clients and to upstreams.
  ...['tls_verify', 'tls_verify_depth', 'client_certificate', 'ca_certificates', 'snis'],
  // Streams.
  ...['sources', 'destinations'],
  // Counting in Redis: `redis` and the flat fields that it replaced.
  ...['redis', 'redis_host', 'redis_port', 'redis_timeout', 'redis_username', 'redis_password'],
  ...['redis_database', 'redis_ssl', 'redis_ssl_verify', 'redis_server_name', 'sync_rate'],
  // Options of plugins that OpsConductor does not set.
  ...['trigger', 'echo', 'private_network'],
  // Balancing by anything but turns, and health checks.
  ...['hash_on', 'hash_on_header', 'hash_on_cookie', 'hash_on_cookie_path', 'hash_on_query_arg'],
  ...['hash_on_uri_capture', 'hash_fallback', 'hash_fallback_header', 'hash_fallback_query_arg'],
  ...['hash_fallback_uri_capture', 'use_srv_name', 'healthchecks'],
])

interface Exclusion {
  why: string
  /** Steps by file and name … */
  steps?: Record<string, string[]>
  /** … or by what they ask. */
  matches?(step: Step): boolean
}

const ownPlugins = ['rate-limiting', 'correlation-id', 'request-size-limiting', 'cors', 'request-termination']

const namesOtherPlugin = ({ request }: Step) => {
  const name = /"name": ?"([a-z-]+)"/.exec(request.body ?? '')?.[1]
  const toPlugins = /\/plugins(\/|$)/.test(request.path ?? '')
  return toPlugins && name !== undefined && name !== 'nope' && !ownPlugins.includes(name)
}

const otherPluginPaths =
  /^\/(rlcons|ka|kah|kab|kaanon|acl|jwt|hmac|basic|ipd|rt|rtr|pf|pfexit|resp|bot)(?![a-z0-9])/

export const exclusions: Exclusion[] = [
  {
    why: 'bodies are JSON only: no form or multipart',
    matches: ({ request }) => /form/.test(request.headers?.['Content-Type'] ?? ''),
  },
  { why: 'a plugin OpsConductor does not use', matches: namesOtherPlugin },
  {
    why: 'traffic through a plugin OpsConductor does not use',
    matches: ({ request }) =>
      request.port === recordedPorts.proxy && otherPluginPaths.test(request.path ?? ''),
  },
  {
    why: 'consumers have no credentials here, and none is recognised',
    matches: ({ request }) =>
      /^\/(consumers\/[^/]+\/)?(key-auth|acl|jwt|hmac-auth|basic-auth)s?(\/|\?|$)/.test(request.path ?? ''),
  },
  {
    why: 'pages of a node that nothing of ours reads; / and /status have their own tests',
    steps: {
      '01-info': [
        'node info',
        'status',
        'endpoints',
        'timers',
        'plugins enabled',
        'tags',
        'config with a database GET',
        'config with a database POST',
        'clustering',
        'debug',
      ],
      '03-services-list': ['tags endpoint', 'tags/{t}', 'tags/{t} missing', 'tags size'],
      '05-plugins': ['plugins enabled'],
    },
  },
  { why: 'web pages are kept out of the Admin API on purpose (403)', steps: { '01-info': ['origin'] } },
  {
    why: 'only GET, HEAD, POST, PUT, PATCH and DELETE in the Admin API',
    steps: { '01-info': ['options root', 'OPTIONS services', 'OPTIONS service', 'OPTIONS routes'] },
  },
  {
    why: "refused as in Kong, with Node's or our own body instead of nginx's page",
    steps: {
      '01-info': ['TRACE', 'unknown method'],
      '02-services': ['json without content-type', 'text/plain', 'application/vnd+json'],
    },
  },
  {
    why: "Node's parser refuses it with an answer of its own, or by hanging up",
    steps: {
      '10-proxy-routing': [
        ...['bad request line', 'CONNECT', 'bad te', 'bad content-length'],
        ...['header too large', 'uri too long'],
      ],
    },
  },
  {
    why: 'Kong answers 500; the dev gateway says what is wrong with 400',
    steps: {
      '02-services': ['json array of objects body', 'json string body', 'json null body'],
      '03-services-list': ['offset base64 junk'],
      '05-plugins': ['name number'],
    },
  },
  {
    why: 'refused as in Kong, in other words: rules between fields are looked at only where each field is right',
    steps: {
      '02-services': ['url number', 'put bad name'],
      '04-routes': [
        ...['regex invalid', 'regex look-ahead', 'headers empty list', 'headers string'],
        ...['protocols empty', 'protocols bad', 'expression field'],
      ],
      '05-plugins': ['patch to invalid'],
      '06-consumers-credentials': ['username empty', 'patch to nothing'],
    },
  },
  {
    why: 'sets or names a field that is left out (fieldsLeftOut): refused as unknown',
    steps: {
      '02-services': ['tls_verify on http', 'client_certificate fk missing', 'client_certificate string'],
      '04-routes': ['snis on http', 'sources on http'],
      '05-plugins': ['rate-limiting redis no host', 'patch name'],
    },
  },
  {
    why: 'services and routes are for http and https only',
    steps: {
      '02-services': ['protocol tcp with path'],
      '04-routes': ['protocols mixed', 'protocols grpc strip_path default'],
    },
  },
  {
    why: 'the service of a route is found under /services only, so later steps find it unchanged',
    steps: {
      '04-routes': [
        ...['route service', 'patch service through route', 'put service through route'],
        ...[
          'delete service with routes',
          'delete route nested',
          'delete service through route',
          'delete nested again',
        ],
      ],
    },
  },
  {
    why: 'consumers are found by id and username only',
    steps: { '06-consumers-credentials': ['list by custom_id', 'list by custom_id missing'] },
  },
  {
    why: 'reads an entity of a step that is left out',
    steps: { '05-plugins': ['get by instance name'] },
  },
  {
    why: 'error bodies are JSON or plain text, a redirect has none',
    steps: {
      '10-proxy-routing': ['no match accept html', 'no match accept xml'],
      '13-proxy-headers-errors': ['https301', 'down html'],
    },
  },
  { why: 'no proxy sends requests in absolute form here', steps: { '10-proxy-routing': ['absolute-form'] } },
  { why: 'left to chance in Kong itself', steps: { '10-proxy-routing': ['duplicate path: which wins'] } },
  {
    why: 'streamed as it comes, where Kong buffers and sends a length',
    steps: { '13-proxy-headers-errors': ['chunked'] },
  },
  {
    why: 'no protocol upgrades and no health checks',
    steps: { '13-proxy-headers-errors': ['upgrade ws', 'health', 'unhealthy', 'healthy'] },
  },
  {
    why: "would ask the machine's DNS server; proxy.test.ts has one that cannot",
    steps: { '13-proxy-headers-errors': ['dns'] },
  },
]

export function whyExcluded(file: string, step: Step): string | undefined {
  return exclusions.find(({ steps, matches }) => steps?.[file]?.includes(step.name) || matches?.(step))?.why
}
