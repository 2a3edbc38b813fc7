import { posix } from 'node:path'
import type { NginxSettings } from '@opsconductor/contracts'
import { isBelow } from '../servers/is-below.ts'
import {
  blocks,
  directives,
  logRoot,
  ownIncludes,
  type Rule,
  siteRoots,
  tables,
  upstreamDirectives,
} from './directives.ts'
import type { Directive } from './parse-config.ts'

/** What is held to a virtual host's server: the paths of its certificate, and where configuration is. */
export interface TemplateBounds {
  certificatePath: string
  keyPath: string
  nginx: Pick<NginxSettings, 'config_directories' | 'certificates_directory'>
}

/** The first thing that a virtual host's configuration may not have, in words for its author; undefined: nothing. */
export function findTemplateFault(config: readonly Directive[], bounds: TemplateBounds): string | undefined {
  const check = (block: readonly Directive[], within: string): string | undefined => {
    for (const directive of block) {
      const fault = faultOf(directive, within, bounds)
      if (fault !== undefined) return `${fault} (line ${directive.line})`
      const inside = check(directive.block ?? [], directive.name)
      if (inside !== undefined) return inside
    }
    return undefined
  }
  return check(config, '')
}

function faultOf(
  { name, args, block }: Directive,
  within: string,
  bounds: TemplateBounds,
): string | undefined {
  const shown = /^[a-z0-9_]{1,60}$/.test(name) ? name : 'a directive'
  if (block !== undefined) {
    if (blocks.get(name)?.includes(within)) return climbs(args) ? `${shown} must not contain ..` : undefined
    return `${shown} must not be a block ${within === '' ? 'of the file itself' : `of ${within}`}`
  }
  if (within === '') return `only server, upstream and map may stand in the file itself, not ${shown}`
  if (tables.has(within)) return name === 'include' ? `include must not be in ${within}` : undefined
  const rule = (within === 'upstream' ? upstreamDirectives : directives).get(name)
  if (rule === undefined) return `${shown} is not a directive that a template may have`
  if (climbs(args)) return `${shown} must not contain ..`
  return violates(rule, args, bounds) ? `${shown} ${wishes[rule]}` : undefined
}

/** NGINX joins paths as they are: `try_files /../x` leaves the root. */
const climbs = (args: readonly string[]) => args.some((arg) => /(?:^|\/)\.\.(?:\/|$)/.test(arg))

const wishes: Record<Rule, string> = {
  any: '',
  certificate: 'must be {{ certificate_path }}',
  key: 'must be {{ key_path }}',
  root: `must be a directory below ${siteRoots.join(', ')}, without variables and without the private keys`,
  include: "must be a file below the server's config_directories, or one of NGINX's own, and no private key",
  log: `must be off, or a file below ${logRoot} without variables`,
  upstream: 'must name a host: no variable in it, and no Unix socket',
  listen: 'must name a port, an address or both',
  parameter: 'must not set how an application server runs (PHP_…, UWSGI_…)',
}

function violates(
  rule: Rule,
  args: readonly string[],
  { certificatePath, keyPath, nginx }: TemplateBounds,
): boolean {
  const [first = ''] = args
  switch (rule) {
    case 'any':
      return false
    case 'certificate':
      return args.length !== 1 || first !== certificatePath
    case 'key':
      return args.length !== 1 || first !== keyPath
    case 'root':
      return !isPlainPath(first) || !isSite(posix.resolve(first), nginx.certificates_directory)
    case 'include':
      if (ownIncludes.has(first)) return false
      if (!isPlainPath(first) || isBelow(nginx.certificates_directory, posix.resolve(first))) return true
      return !nginx.config_directories.some((directory) => isBelow(directory, first))
    case 'log':
      return first !== 'off' && (!isPlainPath(first) || !isBelow(logRoot, first))
    case 'upstream':
      return !hostOverHttp.test(first)
    case 'listen':
      return !listenAt.test(first)
    case 'parameter':
      return /^(?:PHP|UWSGI)_/i.test(first)
  }
}

// `unix:` begins a socket's path in either case of letters.
const hostOverHttp =
  /^(?:(?:https?|grpcs?):\/\/)?(?!unix:)(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/.*)?$/i
const listenAt = /^(?:(?:[a-z0-9.*-]+|\[[0-9a-f:.]+\]):)?\d{1,5}$|^\[[0-9a-f:.]+\]$|^[a-z0-9.*-]+$/i

/** NGINX may run as the account that owns the keys, and would serve them. */
const isSite = (path: string, keys: string): boolean =>
  siteRoots.some((root) => isBelow(root, path)) &&
  path !== keys &&
  !isBelow(path, keys) &&
  !isBelow(keys, path)

const isPlainPath = (path: string) => /^\/[A-Za-z0-9._/+@-]*$/.test(path)
