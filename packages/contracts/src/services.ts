/** The services of the platform, by the name they are logged, keyed and routed by. */
export const serviceNames = [
  'api-key',
  'interface-registry',
  'secrets-broker',
  'executor',
  'cert-agent',
  'console',
] as const
export type ServiceName = (typeof serviceNames)[number]

/** Who asked on an internal listener: a service with its own key, or `operator` with the shared INTERNAL_KEY. */
export type InternalCaller = ServiceName | 'operator'
