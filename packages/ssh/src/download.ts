import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { SFTPWrapper, Stats } from 'ssh2'
import type { SshConnection } from './connection.ts'
import { sftpCall, withSftp } from './sftp-call.ts'

const blockBytes = 32 * 1024
const blocksAtOnce = 32

export interface Downloaded<T> {
  /** What `take` made of it. */
  taken: T
  bytes: number
  /** Hex. */
  sha256: string
  mode: number
  modifiedAt: Date
}

/**
 * Reads a file, symbolic links followed, and gives its content to `take` as it comes. Throws `target_answer_too_large`
 * where it has more than `bytesMax`, and `step_failed` where it is no regular file: a device has no end.
 */
export async function download<T>(
  connection: SshConnection,
  { path, bytesMax, signal: given }: { path: string; bytesMax: number; signal: AbortSignal },
  take: (content: AsyncIterable<Buffer>) => Promise<T>,
): Promise<Downloaded<T>> {
  return withSftp(connection, given, async (sftp, signal) => {
    // A device or a pipe may block the server when it is opened, so it is looked at before.
    assertFile(await sftpCall<Stats>(signal, 'find the file', (done) => sftp.stat(path, done)))
    const handle = await sftpCall<Buffer>(signal, 'open the file', (done) => sftp.open(path, 'r', done))
    const stats = await sftpCall<Stats>(signal, 'look at the file', (done) => sftp.fstat(handle, done))
    assertFile(stats)
    if (stats.size > bytesMax) throw tooLarge(bytesMax)
    const hash = createHash('sha256')
    let bytes = 0
    async function* content() {
      for await (const block of readBlocks(sftp, handle, { bytesMax, signal })) {
        hash.update(block)
        bytes += block.length
        yield block
      }
    }
    const taken = await take(content())
    return {
      ...{ taken, bytes, sha256: hash.digest('hex') },
      ...{ mode: stats.mode & 0o7777, modifiedAt: new Date(stats.mtime * 1000) },
    }
  })
}

function assertFile(stats: Stats): void {
  if (!stats.isFile()) throw new AppError('step_failed', 'The path is not a file.')
}

const tooLarge = (bytesMax: number) =>
  new AppError('target_answer_too_large', `The file has more than ${bytesMax} bytes.`)

/** The file from its beginning to its end, several blocks asked for at once. Files of /proc say that they have no bytes. */
export async function* readBlocks(
  sftp: SFTPWrapper,
  handle: Buffer,
  { bytesMax, signal }: { bytesMax: number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const read = (position: number) => {
    const buffer = Buffer.allocUnsafe(blockBytes)
    return sftpCall<Buffer>(signal, 'read the file', (done) =>
      sftp.read(handle, buffer, 0, blockBytes, position, (error, bytes) =>
        // A copy where it is short: who keeps many of them would keep a whole block for each.
        done(error, bytes < blockBytes ? Buffer.from(buffer.subarray(0, bytes)) : buffer),
      ),
    )
  }
  const pending: Promise<Buffer>[] = []
  let position = 0
  let atOnce = 1
  const ask = () => {
    while (pending.length < atOnce) {
      const block = read(position)
      block.catch(() => {})
      pending.push(block)
      position += blockBytes
    }
  }
  for (let bytes = 0; ; ) {
    ask()
    const block = (await pending.shift()) as Buffer
    if (block.length === 0) return
    bytes += block.length
    if (bytes > bytesMax) throw tooLarge(bytesMax)
    yield block
    if (block.length < blockBytes) {
      // A server may answer less than it was asked for: what comes next begins earlier than was thought.
      pending.length = 0
      position = bytes
      atOnce = 1
    } else if (atOnce < blocksAtOnce) atOnce *= 2
  }
}
