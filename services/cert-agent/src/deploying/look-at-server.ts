import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import { findFileFault } from '../servers/find-nginx-faults.ts'
import { isBelow } from '../servers/is-below.ts'
import type { ServerSession } from '../servers/open-server.ts'
import { lookScript } from './remote-scripts.ts'

/** A file that is to stand on the server. */
export interface PlannedFile {
  /** In the version's folder. */
  name: string
  content: SecretValue
  sha256: string
  /** Octal. */
  mode: number
}

/** A virtual host's configuration, from the version's folder to where NGINX reads it. */
export interface PlannedConfig extends PlannedFile {
  path: string
}

/** What a deployment finds. */
export interface Situation {
  /** The version that `live` leads to. */
  linked: number | undefined
  /** An earlier deployment ended before it had tidied up: what `live` led to before it, and what it was to lead to. */
  undo: { from: number | undefined; to: number | undefined } | undefined
  /** By name: of the version's folder, those that are there as they should be. */
  staged: ReadonlySet<string>
  /** Where each configuration file is written, symbolic links followed; and whether it says what it should. */
  configs: readonly { config: PlannedConfig; realPath: string; isSame: boolean }[]
}

interface LookedFor {
  certificateId: string
  version: number
  files: readonly PlannedFile[]
  configs: readonly PlannedConfig[]
}

/**
 * One command finds out all that a deployment must know. Throws `target_refused` where what is there is not ours to change:
 * symbolic links that lead out of the directories which may be written to, or something else in `live`'s place.
 */
export async function lookAtServer(session: ServerSession, wanted: LookedFor): Promise<Situation> {
  const { nginx } = session.server
  const { certificateId, version, files, configs } = wanted
  const roots = nginx.config_directories
  const words = [nginx.certificates_directory, certificateId, String(version), String(roots.length)]
  const paths = configs.map(({ path }) => path)
  const { stdout, stdoutTruncated } = await session.run(
    ['sh', '-c', lookScript, 'sh', ...words, ...roots, ...paths],
    { outputBytesMax: 1_048_576 },
  )
  const fields = stdout.toString('utf8').split('\0')
  const expected = 7 + roots.length + 2 * configs.length
  if (stdoutTruncated || fields.length !== expected + 1) throw refused('The server answered nonsense.')
  const next = () => fields.shift() as string
  const [realRoot, realVersion] = [next(), next()]
  if (realRoot === '') throw refused('The server has no `realpath -m`, as GNU coreutils have.')
  if (realVersion !== `${realRoot}/${certificateId}/versions/${version}`)
    throw refused('A symbolic link below the certificates directory leads out of it.')
  const [live, from, to] = [next(), next(), next()]
  if (live === 'other') throw refused('In the place of the link `live` there is something else.')
  const found = new Map([
    ['fullchain.pem', next()],
    ['privkey.pem', next()],
  ])
  const realRoots = roots.map(() => next())
  return {
    linked: live === '' ? undefined : versionOf(live.replace(/^link /, '')),
    undo:
      from === ''
        ? undefined
        : { from: versionOf(from.replace(/^from ?/, '')), to: versionOf(to.replace(/^to ?/, '')) },
    staged: new Set(files.filter((file) => isAsPlanned(file, found.get(file.name), nginx)).map(nameOf)),
    configs: configs.map((config) => {
      const [realPath, seen] = [next(), next()]
      const isAllowed =
        realRoots.some((root) => isBelow(root, realPath)) &&
        !isBelow(realRoot, realPath) &&
        findFileFault(realPath) === undefined
      if (!isAllowed)
        throw refused(
          `The configuration file ${config.path} is, symbolic links followed, in none of the directories where one may be written.`,
        )
      return { config, realPath, isSame: seen.split(' ')[0] === config.sha256 }
    }),
  }
}

const nameOf = ({ name }: PlannedFile) => name

/** `seen`: hash, mode, owner and group. */
function isAsPlanned(
  { sha256, mode }: PlannedFile,
  seen: string | undefined,
  { owner, group }: ServerSession['server']['nginx'],
): boolean {
  const [hash, octal = '', user, team] = (seen ?? '').split(' ')
  return (
    hash === sha256 &&
    Number.parseInt(octal, 8) === mode &&
    (owner === null || owner === user) &&
    (group === null || group === team)
  )
}

function versionOf(target: string): number | undefined {
  if (target === '') return undefined
  const [, version] = /^versions\/(\d{1,9})$/.exec(target) ?? []
  if (version === undefined) throw refused('The link `live` leads where no deployment has put it.')
  return Number(version)
}

const refused = (detail: string) => new AppError('target_refused', detail)
