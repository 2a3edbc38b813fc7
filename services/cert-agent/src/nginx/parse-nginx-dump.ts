import { posix } from 'node:path'
import { matchesGlob } from './matches-glob.ts'
import { ConfigFault, type Directive, parseConfig } from './parse-config.ts'

export interface Listen {
  /** Null: every address. Without brackets. */
  address: string | null
  port: number
  ssl: boolean
}

/** A `server` block of `http`. */
export interface ServerBlock {
  /** Of `server_name`, as they are written. */
  names: string[]
  listens: Listen[]
  /** Its own, or those of `http`; an ECDSA and an RSA certificate may stand beside each other. */
  certificates: { certificatePath: string; keyPath: string | null }[]
  /** Where it is written. */
  file: string
}

export interface NginxDump {
  servers: ServerBlock[]
  /** Files that could not be read, and what was too much; the rest is answered all the same. */
  faults: { file: string; message: string }[]
}

const filesMax = 5_000
/** Directives read and includes looked for: an include that includes itself twice ends too. */
const stepsMax = 500_000
const includeDepthMax = 20
const serversMax = 2_000
const faultsMax = 20

/**
 * The virtual hosts of what `nginx -T` prints: every file after a line `# configuration file <path>:`, the main one first,
 * with its includes still in it. Never throws; a hostile dump is bounded by the limits above.
 */
export function parseNginxDump(dump: string): NginxDump {
  const faults: NginxDump['faults'] = []
  const files = readFiles(dump, faults)
  const main = files.keys().next().value
  if (main === undefined) return { servers: [], faults }
  const servers: ServerBlock[] = []
  const walk = createWalk(files, posix.dirname(main))
  try {
    for (const { directive, file } of walk(files.get(main) ?? [], main))
      if (directive.name === 'http' && directive.block !== undefined)
        readHttp([...walk(directive.block, file)], walk, servers)
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error
    faults.push({ file: main, message: error.message })
  }
  return { servers, faults: faults.slice(0, faultsMax) }
}

function readFiles(dump: string, faults: NginxDump['faults']): Map<string, Directive[]> {
  const files = new Map<string, Directive[]>()
  const marks = [...dump.matchAll(/^# configuration file (\/[^\n]{0,999}):\r?$/gm)].slice(0, filesMax)
  marks.forEach((mark, index) => {
    const [line, file = ''] = mark
    const text = dump.slice(mark.index + line.length, marks[index + 1]?.index)
    try {
      if (!files.has(file)) files.set(file, parseConfig(text))
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error
      files.set(file, [])
      faults.push({ file, message: error.message })
    }
  })
  return files
}

interface Placed {
  directive: Directive
  file: string
}
type Walk = (block: readonly Directive[], file: string) => Iterable<Placed>

/** The directives of a block, those of the files that it includes in the places of the includes. */
function createWalk(files: ReadonlyMap<string, Directive[]>, root: string): Walk {
  let steps = 0
  const step = (line: number) => {
    if (++steps > stepsMax) throw new ConfigFault('the configuration is too large to be read whole', line)
  }
  const found = new Map<string, string[]>()
  const filesOf = (pattern: string, line: number): string[] => {
    const known = found.get(pattern)
    if (known !== undefined) return known
    const path = posix.resolve(root, pattern)
    const matched = [...files.keys()].filter((file) => {
      step(line)
      return matchesGlob(path, file)
    })
    found.set(pattern, matched)
    return matched
  }
  function* walk(block: readonly Directive[], file: string, depth = 0): Iterable<Placed> {
    for (const directive of block) {
      step(directive.line)
      if (directive.name !== 'include') yield { directive, file }
      else if (depth < includeDepthMax)
        for (const included of filesOf(directive.args[0] ?? '', directive.line))
          yield* walk(files.get(included) ?? [], included, depth + 1)
    }
  }
  return walk
}

function readHttp(http: readonly Placed[], walk: Walk, servers: ServerBlock[]): void {
  const shared = certificatesOf(http)
  for (const { directive, file } of http) {
    if (directive.name !== 'server' || directive.block === undefined || servers.length >= serversMax) continue
    const block = [...walk(directive.block, file)]
    const own = certificatesOf(block)
    servers.push({
      names: argumentsOf(block, 'server_name').flat(),
      listens: listensOf(block),
      certificates: own.length > 0 ? own : shared,
      file,
    })
  }
}

const argumentsOf = (block: readonly Placed[], name: string): string[][] =>
  block.flatMap(({ directive }) => (directive.name === name ? [directive.args] : []))

function certificatesOf(block: readonly Placed[]): ServerBlock['certificates'] {
  const keys = argumentsOf(block, 'ssl_certificate_key').map(([path]) => path ?? null)
  return argumentsOf(block, 'ssl_certificate').flatMap(([certificatePath], index) =>
    certificatePath === undefined ? [] : [{ certificatePath, keyPath: keys[index] ?? null }],
  )
}

function listensOf(block: readonly Placed[]): Listen[] {
  const written = argumentsOf(block, 'listen')
  if (written.length === 0) return [{ address: null, port: 80, ssl: false }]
  const allSsl = argumentsOf(block, 'ssl').some(([value]) => value === 'on')
  return written.flatMap(([at = '', ...options]) => {
    const place = placeOf(at)
    // HTTP/3 is UDP.
    if (place === undefined || options.includes('quic')) return []
    return [{ ...place, ssl: allSsl || options.includes('ssl') }]
  })
}

/** Undefined for a Unix socket and what is no address. */
function placeOf(text: string): Pick<Listen, 'address' | 'port'> | undefined {
  const parts = /^(?:(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._*-]{1,253}):)?(\d{1,5})$/.exec(text)
  const whole = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._*-]{1,253})$/.exec(text)
  const port = parts === null ? 80 : Number(parts[2])
  if ((parts === null && whole === null) || port < 1 || port > 65_535) return undefined
  const address = (parts === null ? text : (parts[1] ?? '*')).replace(/^\[(.*)\]$/, '$1')
  return { address: ['*', '0.0.0.0', '::'].includes(address) ? null : address.toLowerCase(), port }
}
