import type { Route } from '../entities/route.ts'
import type { Service } from '../entities/service.ts'
import type { Access } from '../plugins/plugin.ts'
import type { Store } from '../store/store.ts'
import { createBalancer, type NextPeer } from './balancer.ts'
import { bytesOf } from './path.ts'
import { pluginFinder, type StartPlugin } from './plugins-of-route.ts'

export interface Asked {
  method: string
  /** The Host header as sent, without its port. */
  host: string
  port: number
  /** Normalised. */
  path: string
  secure: boolean
  headers: NodeJS.Dict<string | string[]>
}

/** What serves a route: its service, where to send, and which plugins run, in order. */
export interface Target {
  route: Route
  service: Service | undefined
  nextPeer: NextPeer | undefined
  plugins: Access[]
}

export interface Match {
  target: Target
  /** The part of the path that the route matched; undefined without paths. */
  prefix: string | undefined
}

type Test = (asked: Asked) => boolean

/** One path (or none) of one route: Kong splits routes the same way to give each path its own weight. */
interface Candidate {
  target: Target
  tests: Test[]
  /** Undefined for a route without paths. */
  prefixOf: ((path: string) => string | undefined) | undefined
  weights: number[]
}

function hostTest(pattern: string): Test {
  const [, name = pattern, port] = /^(.*?)(?::(\d+))?$/.exec(pattern) ?? []
  const fits = (host: string) => {
    if (name.startsWith('*')) return host.endsWith(name.slice(1))
    return name.endsWith('*') ? host.startsWith(name.slice(0, -1)) : host === name
  }
  return (asked) => fits(asked.host) && (port === undefined || asked.port === Number(port))
}

function headerTest([header, values]: [string, string[]]): Test {
  const name = header.toLowerCase()
  const tests = values.map((value) => {
    const pattern = value.startsWith('~*') ? new RegExp(value.slice(2), 'i') : undefined
    return (given: string) => pattern?.test(given) ?? given.toLowerCase() === value.toLowerCase()
  })
  return ({ headers }) => [headers[name] ?? []].flat().some((given) => tests.some((test) => test(given)))
}

function prefixMatcher(path: string): (path: string) => string | undefined {
  if (path.startsWith('~')) {
    const pattern = new RegExp(`^(?:${bytesOf(path.slice(1))})`)
    return (asked) => pattern.exec(asked)?.[0]
  }
  const prefix = bytesOf(path)
  return (asked) => (asked.startsWith(prefix) ? prefix : undefined)
}

function testsOf({ protocols, methods, hosts, headers }: Route): Test[] {
  const tests = Object.entries(headers ?? {}).map(headerTest)
  if (!protocols.includes('https')) tests.push((asked) => !asked.secure)
  if (methods?.length) tests.push((asked) => methods.includes(asked.method))
  if (hosts?.length) {
    const fits = hosts.map(hostTest)
    tests.push((asked) => fits.some((test) => test(asked)))
  }
  return tests
}

/**
 * Kong's order (traditional_compatible): kinds of attributes, then all hosts plain, headers, a regex,
 * its priority, the length of a plain path. The older route wins a tie; in Kong that is left to chance.
 */
function candidatesOf(target: Target): Candidate[] {
  const { methods, hosts, headers, paths, regex_priority } = target.route
  const headerCount = Object.keys(headers ?? {}).length
  const kinds = [methods?.length, hosts?.length, headerCount, paths?.length].filter(Boolean).length
  const plainHosts = hosts?.length && !hosts.some((host) => host.includes('*')) ? 1 : 0
  const common = [kinds, plainHosts, headerCount]
  const tests = testsOf(target.route)
  if (!paths?.length) return [{ target, tests, prefixOf: undefined, weights: [...common, 0, 0, 0] }]
  return paths.map((path) => {
    const weights = path.startsWith('~') ? [1, regex_priority ?? 0, 0] : [0, 0, bytesOf(path).length]
    return { target, tests, prefixOf: prefixMatcher(path), weights: [...common, ...weights] }
  })
}

function byWeight(a: Candidate, b: Candidate): number {
  const differences = a.weights.map((weight, index) => (b.weights[index] ?? 0) - weight)
  const [one, two] = [a.target.route, b.target.route]
  return differences.find(Boolean) ?? (one.created_at - two.created_at || (one.id < two.id ? -1 : 1))
}

function targetsOf(store: Store, start: StartPlugin): Target[] {
  const pluginsFor = pluginFinder(store, start)
  const balancers = new Map<string, NextPeer>()
  const services = store.list('services') as unknown as Service[]
  for (const service of services) balancers.set(service.id, createBalancer(service, store))
  return (store.list('routes') as unknown as Route[]).flatMap((route) => {
    const id = route.service?.id ?? ''
    const service = store.get('services', id) as Service | undefined
    if (service?.enabled === false) return []
    return [{ route, service, nextPeer: balancers.get(id), plugins: pluginsFor(route.id, id) }]
  })
}

/** Built once per change of the store; a request only walks the sorted list. */
export function compileRoutes(store: Store, start: StartPlugin) {
  const candidates = targetsOf(store, start).flatMap(candidatesOf).sort(byWeight)
  return (asked: Asked): Match | undefined => {
    for (const { target, tests, prefixOf } of candidates) {
      if (!tests.every((test) => test(asked))) continue
      const prefix = prefixOf?.(asked.path)
      if (prefix !== undefined || prefixOf === undefined) return { target, prefix }
    }
    return undefined
  }
}
