import type { ServiceName } from '@opsconductor/contracts'
import { databaseRoles, urlForRole } from '@opsconductor/database'
import type { Keys } from './keys.ts'
import type { Layout, PortName } from './layout.ts'
import type { ChildSpec } from './supervisor.ts'

/** Where the parts that are not ours to start are, or were started. */
export interface Backing {
  databaseUrl: string
  temporalAddress: string
  kongAdminUrl: string
  kongProxyUrl: string
}

interface ServiceSpec {
  name: ServiceName
  publicPort: PortName
  internalPort: PortName
  nodeFlags?: readonly string[]
}

export const serviceSpecs: readonly ServiceSpec[] = [
  { name: 'api-key', publicPort: 'apiKeyPublic', internalPort: 'apiKeyInternal' },
  {
    name: 'secrets-broker',
    publicPort: 'secretsBrokerPublic',
    internalPort: 'secretsBrokerInternal',
    // A rotation encrypts millions of rows one after the other; V8 would rather take another 150 MB than collect.
    nodeFlags: ['--heap-growing-percent=30'],
  },
  {
    name: 'executor',
    publicPort: 'executorPublic',
    internalPort: 'executorInternal',
    // Every step passes through it: here the space is worth it.
    nodeFlags: ['--max-semi-space-size=16'],
  },
  {
    name: 'interface-registry',
    publicPort: 'interfaceRegistryPublic',
    internalPort: 'interfaceRegistryInternal',
  },
  {
    name: 'cert-agent',
    publicPort: 'certAgentPublic',
    internalPort: 'certAgentInternal',
    // It waits for others nearly all the time; the memory is theirs.
    nodeFlags: ['--heap-growing-percent=30', '--max-semi-space-size=2'],
  },
  { name: 'console', publicPort: 'console', internalPort: 'consoleInternal' },
]

/** As large as V8 likes them, the spaces for what is new keep 20 to 40 MB more in each process than they are worth. */
const leanFlags = ['--max-semi-space-size=4']

export const adminEmail = 'admin@opsconductor.local'

const local = (port: number) => `http://127.0.0.1:${port}`
const variableOf = (name: string) => name.toUpperCase().replaceAll('-', '_')

/** `API_KEY_URL`, `API_KEY_PUBLIC_URL` and so on: where each service listens. */
export function serviceUrls({ ports }: Layout): Record<string, string> {
  return Object.fromEntries(
    serviceSpecs.flatMap(({ name, internalPort, publicPort }) => [
      [`${variableOf(name)}_URL`, local(ports[internalPort])],
      [`${variableOf(name)}_PUBLIC_URL`, local(ports[publicPort])],
    ]),
  )
}

const workerSettings = (layout: Layout, { temporalAddress }: Backing) => ({
  TEMPORAL_ADDRESS: temporalAddress,
  WORKFLOW_BUNDLE_DIR: `${layout.compileCache}/workflows`,
})

function ownSettings(
  name: ServiceName,
  layout: Layout,
  keys: Keys,
  backing: Backing,
): Record<string, string> {
  switch (name) {
    case 'api-key':
      return {
        API_KEY_PEPPER: keys.apiKeyPepper,
        SESSION_SIGNING_KEY: keys.sessionSigningKey,
        ADMIN_EMAIL: adminEmail,
        ADMIN_PASSWORD: keys.adminPassword,
      }
    case 'secrets-broker':
      return { SECRETS_KMS_KEY: keys.secretsKmsKey }
    case 'executor':
      return {
        ...workerSettings(layout, backing),
        SQLITE_DIRECTORY: `${layout.home}/sqlite`,
      }
    case 'cert-agent':
      return {
        ...workerSettings(layout, backing),
        ...kept('ACME_CA_FILE', 'DNS_RESOLVERS', 'PROBE_EVERY_SECONDS'),
      }
    case 'interface-registry':
      return {
        GRANT_SIGNING_KEY: keys.grantSigningKey,
        TEMPORAL_ADDRESS: backing.temporalAddress,
        KONG_ADMIN_URL: backing.kongAdminUrl,
        KONG_PROXY_URL: backing.kongProxyUrl,
        PUBLIC_BASE_URL: backing.kongProxyUrl,
        REGISTRY_UPSTREAM_URL: local(layout.ports.interfaceRegistryPublic),
      }
    case 'console':
      return {}
  }
}

const kept = (...names: string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )

/** What every child of the stack gets of this process's environment. */
export function baseEnvironment(layout: Layout): Record<string, string> {
  return {
    ...kept('PATH', 'HOME', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS', 'LOG_LEVEL', 'NODE_OPTIONS'),
    ...kept('OTEL_EXPORTER_OTLP_ENDPOINT'),
    NODE_COMPILE_CACHE: layout.compileCache,
    // glibc keeps what threads free in up to eight arenas for each core.
    MALLOC_ARENA_MAX: '2',
    // Left alone, it gives back ever less of what was freed: after a start that is 10 to 30 MB in each process.
    MALLOC_TRIM_THRESHOLD_: '131072',
  }
}

export function serviceChildren(layout: Layout, keys: Keys, backing: Backing): ChildSpec[] {
  const internalKeys = Object.fromEntries(
    serviceSpecs.map(({ name }) => [`INTERNAL_KEY_${variableOf(name)}`, keys.internalKeyOf(name)]),
  )
  return serviceSpecs.map(({ name, publicPort, internalPort, nodeFlags = [] }) => ({
    name,
    command: process.execPath,
    arguments: [...leanFlags, ...nodeFlags, `services/${name}/src/main.ts`],
    environment: {
      ...baseEnvironment(layout),
      ...serviceUrls(layout),
      ...internalKeys,
      INTERNAL_KEY: keys.internalKey,
      PUBLIC_PORT: String(layout.ports[publicPort]),
      INTERNAL_PORT: String(layout.ports[internalPort]),
      ...databaseSetting(name, keys, backing),
      ...ownSettings(name, layout, keys, backing),
    },
  }))
}

function databaseSetting(name: string, keys: Keys, { databaseUrl }: Backing): Record<string, string> {
  if (!(name in databaseRoles)) return {}
  const { role } = databaseRoles[name as keyof typeof databaseRoles]
  return { DATABASE_URL: urlForRole(databaseUrl, role, keys.rolePassword(role)) }
}

export function gatewayChild(layout: Layout): ChildSpec {
  return {
    name: 'gateway',
    command: process.execPath,
    arguments: [...leanFlags, 'kong/dev-gateway/src/main.ts'],
    environment: {
      ...baseEnvironment(layout),
      GATEWAY_PORT: String(layout.ports.gateway),
      GATEWAY_TLS_PORT: String(layout.ports.gatewayTls),
      GATEWAY_ADMIN_PORT: String(layout.ports.kongAdmin),
      GATEWAY_STATE_FILE: `${layout.gatewayData}/entities.json`,
      GATEWAY_TLS_DIR: `${layout.gatewayData}/tls`,
    },
  }
}

export function demoStatusChild(layout: Layout, keys: Keys): ChildSpec {
  return {
    name: 'demo-status',
    command: process.execPath,
    arguments: [...leanFlags, 'infra/demo/status-service.ts'],
    environment: {
      ...baseEnvironment(layout),
      ...serviceUrls(layout),
      STATUS_PORT: String(layout.ports.demoStatus),
      STATUS_USERNAME: 'opsconductor',
      STATUS_PASSWORD: keys.demo.statusPassword,
    },
  }
}
