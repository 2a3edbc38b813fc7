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
  serverName: string | undefined
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
  prefixOf: (path: string) => string | undefined
  hasPath: boolean
  weights: number[]
}

const isEmpty = (value: object | null | undefined): value is null | undefined =>
  !value || Object.keys(value).length === 0

function hostTest(hosts: string[]): Test {
  const tests = hosts.map((pattern): Test => {
    const [, name = pattern, port] = /^(.*?)(?::(\d+))?$/.exec(pattern) ?? []
    const matchesPort: Test = port === undefined ? () => true : (asked) => asked.port === Number(port)
    if (name.startsWith('*')) return (asked) => asked.host.endsWith(name.slice(1)) && matchesPort(asked)
    if (name.endsWith('*')) return (asked) => asked.host.startsWith(name.slice(0, -1)) && matchesPort(asked)
    return (asked) => asked.host === name && matchesPort(asked)
  })
  return (asked) => tests.some((test) => test(asked))
}

function headerTests(headers: Record<string, string[]>): Test[] {
  return Object.entries(headers).map(([header, values]) => {
    const name = header.toLowerCase()
    const tests = values.map((value) => {
      if (value.startsWith('~*')) {
        const pattern = new RegExp(value.slice(2), 'i')
        return (given: string) => pattern.test(given)
      }
      const wanted = value.toLowerCase()
      return (given: string) => given.toLowerCase() === wanted
    })
    return (asked: Asked) => {
      const given = asked.headers[name]
      return given !== undefined && [given].flat().some((value) => tests.some((test) => test(value)))
    }
  })
}

function prefixMatcher(path: string): Candidate['prefixOf'] {
  if (path.startsWith('~')) {
    const pattern = new RegExp(`^(?:${bytesOf(path.slice(1))})`)
    return (asked) => pattern.exec(asked)?.[0]
  }
  const prefix = bytesOf(path)
  return (asked) => (asked.startsWith(prefix) ? prefix : undefined)
}

function testsOf(route: Route): Test[] {
  const tests: Test[] = []
  if (!route.protocols.includes('https')) tests.push((asked) => !asked.secure)
  if (!isEmpty(route.methods)) {
    const methods = new Set(route.methods)
    tests.push((asked) => methods.has(asked.method))
  }
  if (!isEmpty(route.hosts)) tests.push(hostTest(route.hosts as string[]))
  if (!isEmpty(route.headers)) tests.push(...headerTests(route.headers as Record<string, string[]>))
  if (!isEmpty(route.snis)) {
    const names = new Set(route.snis as string[])
    tests.push((asked) => !asked.secure || names.has(asked.serverName ?? ''))
  }
  return tests
}

/**
 * Kong's order (traditional_compatible): kinds of attributes, then all hosts plain, headers, a regex,
 * its priority, the length of a plain path. The older route wins a tie; in Kong that is left to chance.
 */
function candidatesOf(target: Target): Candidate[] {
  const { route } = target
  const kinds = [route.methods, route.hosts, route.headers, route.snis, route.paths]
  const matched = kinds.filter((kind) => !isEmpty(kind)).length
  const plainHosts = !isEmpty(route.hosts) && !(route.hosts as string[]).some((host) => host.includes('*'))
  const headerCount = Object.keys(route.headers ?? {}).length
  const tests = testsOf(route)
  const weigh = (regex: boolean, length: number) => [
    matched,
    plainHosts ? 1 : 0,
    headerCount,
    regex ? 1 : 0,
    regex ? (route.regex_priority ?? 0) : 0,
    length,
  ]
  if (isEmpty(route.paths)) {
    return [{ target, tests, prefixOf: () => '', hasPath: false, weights: weigh(false, 0) }]
  }
  return (route.paths as string[]).map((path) => {
    const regex = path.startsWith('~')
    const length = regex ? 0 : bytesOf(path).length
    return { target, tests, prefixOf: prefixMatcher(path), hasPath: true, weights: weigh(regex, length) }
  })
}

function byWeight(a: Candidate, b: Candidate): number {
  for (const [index, weight] of a.weights.entries()) {
    const other = b.weights[index] ?? 0
    if (weight !== other) return other - weight
  }
  const [one, two] = [a.target.route, b.target.route]
  return one.created_at - two.created_at || (one.id < two.id ? -1 : 1)
}

function targetsOf(store: Store, start: StartPlugin): Target[] {
  const pluginsFor = pluginFinder(store, start)
  const services = new Map(
    (store.list('services') as unknown as Service[]).map((service) => [
      service.id,
      { service, nextPeer: createBalancer(service, store) },
    ]),
  )
  return (store.list('routes') as unknown as Route[]).flatMap((route) => {
    const served = route.service ? services.get(route.service.id) : undefined
    if (served?.service.enabled === false) return []
    const plugins = pluginsFor(route.id, served?.service.id ?? '')
    return [{ route, service: served?.service, nextPeer: served?.nextPeer, plugins }]
  })
}

const rememberedMax = 5000
const rememberedPathMax = 256

/** Built once per change of the store; a request only walks the sorted list, or a remembered answer. */
export function compileRoutes(store: Store, start: StartPlugin) {
  const candidates = targetsOf(store, start).flatMap(candidatesOf).sort(byWeight)
  const dependsOnHeaders = candidates.some(({ target }) => !isEmpty(target.route.headers))
  const remembered = new Map<string, Match | undefined>()

  const search = (asked: Asked): Match | undefined => {
    for (const { target, tests, prefixOf, hasPath } of candidates) {
      if (!tests.every((test) => test(asked))) continue
      const prefix = prefixOf(asked.path)
      if (prefix !== undefined) return { target, prefix: hasPath ? prefix : undefined }
    }
    return undefined
  }

  return (asked: Asked): Match | undefined => {
    if (dependsOnHeaders || asked.path.length > rememberedPathMax) return search(asked)
    const { method, host, port, path, secure, serverName } = asked
    // No header holds a line feed, and the path comes last, so no two requests share a key by accident.
    const key = [method, host, port, secure, serverName, path].join('\n')
    if (remembered.has(key)) return remembered.get(key)
    if (remembered.size >= rememberedMax) remembered.clear()
    const match = search(asked)
    remembered.set(key, match)
    return match
  }
}
