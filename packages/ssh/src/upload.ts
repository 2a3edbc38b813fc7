import { createHash, randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { AppError } from '@opsconductor/errors'
import type { SFTPWrapper, Stats } from 'ssh2'
import type { SshConnection } from './connection.ts'
import { readBlocks } from './download.ts'
import { sftpCall, sftpStatus, statusOf, withSftp } from './sftp-call.ts'

export interface Upload {
  /** Where the file is to stand; its folder exists. */
  path: string
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Permission bits; those of the file that is replaced, or 0644, where it is left out. */
  mode?: number | undefined
  owner?: { uid: number; gid: number } | undefined
  signal: AbortSignal
}

export interface Uploaded {
  bytes: number
  /** Hex; of what was read back from the server. */
  sha256: string
  mode: number
  /** There was a file of this name before. */
  replaced: boolean
}

const blockBytes = 32 * 1024
const blocksAtOnce = 32
const modeByDefault = 0o644
const permissionBits = 0o7777
const tidyMsMax = 500

/**
 * Writes a file beside its place, reads it back, and renames it onto its place: whoever opens the path finds the old file
 * or the whole new one. Nothing is left where it fails, unless the connection broke.
 */
export function upload(connection: SshConnection, asked: Upload): Promise<Uploaded> {
  return withSftp(connection, asked.signal, async (sftp, signal) => {
    const given = { ...asked, signal }
    const before = await statOf(sftp, given)
    const mode = given.mode ?? (before === undefined ? modeByDefault : before.mode & permissionBits)
    const { dir, base } = posix.parse(given.path)
    const temporary = posix.join(dir, `.${base.slice(0, 50)}.${randomBytes(8).toString('hex')}.part`)
    try {
      const written = await writeTemporary(sftp, temporary, { ...given, mode })
      await assertWritten(sftp, temporary, written, given.signal)
      await sftpCall(given.signal, 'put the file in its place', (done) =>
        sftp.ext_openssh_rename(temporary, given.path, done),
      )
      return { ...written, mode, replaced: before !== undefined }
    } catch (error) {
      if (connection.isOpen())
        await sftpCall(AbortSignal.timeout(tidyMsMax), 'tidy up', (done) =>
          sftp.unlink(temporary, done),
        ).catch(() => {})
      throw error
    }
  })
}

async function statOf(sftp: SFTPWrapper, { path, signal }: Upload) {
  try {
    const stats = await sftpCall<Stats>(signal, 'look at the path', (done) => sftp.stat(path, done))
    if (!stats.isFile()) throw new AppError('step_failed', 'The path is there already and is not a file.')
    return stats
  } catch (error) {
    if (statusOf(error) === sftpStatus.noSuchFile) return undefined
    throw error
  }
}

interface Written {
  bytes: number
  sha256: string
}

async function writeTemporary(
  sftp: SFTPWrapper,
  path: string,
  { content, mode, owner, signal }: Upload & { mode: number },
): Promise<Written> {
  const handle = await sftpCall<Buffer>(signal, 'create a file in the folder', (done) =>
    sftp.open(path, 'wx', { mode: 0o600 }, done),
  )
  const hash = createHash('sha256')
  let bytes = 0
  let pending: Promise<void>[] = []
  for await (const chunk of content)
    for (let at = 0; at < chunk.length; at += blockBytes) {
      const block = Buffer.from(chunk.subarray(at, at + blockBytes))
      hash.update(block)
      const position = bytes
      bytes += block.length
      const written = sftpCall(signal, 'write the file', (done) =>
        sftp.write(handle, block, 0, block.length, position, done),
      )
      // It may fail while the content is still waited for.
      written.catch(() => {})
      pending.push(written)
      if (pending.length < blocksAtOnce) continue
      await Promise.all(pending)
      pending = []
    }
  await Promise.all(pending)
  // Before the permissions: a change of owner takes the setuid bit away.
  if (owner !== undefined)
    await sftpCall(signal, 'change the owner of the file', (done) => sftp.fsetstat(handle, owner, done))
  await sftpCall(signal, 'change the mode of the file', (done) => sftp.fsetstat(handle, { mode }, done))
  await sftpCall(signal, 'sync the file', (done) => sftp.ext_openssh_fsync(handle, done)).catch(
    (error: unknown) => {
      if (statusOf(error) !== sftpStatus.unsupported) throw error
    },
  )
  await sftpCall(signal, 'close the file', (done) => sftp.close(handle, done))
  return { bytes, sha256: hash.digest('hex') }
}

async function assertWritten(
  sftp: SFTPWrapper,
  path: string,
  { bytes, sha256 }: Written,
  signal: AbortSignal,
): Promise<void> {
  const handle = await sftpCall<Buffer>(signal, 'read the file back', (done) => sftp.open(path, 'r', done))
  const hash = createHash('sha256')
  for await (const block of readBlocks(sftp, handle, { bytesMax: bytes + 1, signal })) hash.update(block)
  await sftpCall(signal, 'close the file', (done) => sftp.close(handle, done))
  if (hash.digest('hex') !== sha256)
    throw new AppError('target_failed', 'The file that the server has is not the one that it was given.')
}
