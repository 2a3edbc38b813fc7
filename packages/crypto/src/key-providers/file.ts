import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { deriveSeedKey } from '../master-key.ts'
import { createLocalKey, KeyRefused, type LocalKey } from './define-key-provider.ts'

const bytesMax = 64 * 1024
const othersMayTouch = 0o077

/**
 * The key of a passphrase in a file: the same key as `openEnvironmentKey` gives for the same text. One line end at the
 * file's end is not part of it; any other bytes are. Throws KeyRefused, which says what is wrong with the file and
 * nothing of what is in it.
 */
export async function openFileKey(path: string): Promise<LocalKey> {
  const handle = await openRegularFile(path)
  try {
    await checkOwnerAndMode(handle, path)
    const bytes = await readPassphrase(handle, path)
    const { id, key } = await deriveSeedKey(bytes)
    bytes.fill(0)
    return createLocalKey(id, 'file', key)
  } finally {
    await handle.close()
  }
}

// Kubernetes mounts a secret as a link inside the secret's own directory; a link to anywhere else is someone's doing.
async function openRegularFile(path: string): Promise<FileHandle> {
  try {
    const [target, directory] = await Promise.all([realpath(path), realpath(dirname(path))])
    const inside = directory.endsWith(sep) ? directory : directory + sep
    if (!target.startsWith(inside))
      throw new KeyRefused(`The key file ${path} is a link out of its directory.`)
    return await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof KeyRefused) throw error
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new KeyRefused(`The key file ${path} cannot be read (${reason}).`)
  }
}

async function checkOwnerAndMode(handle: FileHandle, path: string): Promise<void> {
  const stat = await handle.stat()
  if (!stat.isFile()) throw new KeyRefused(`The key file ${path} is not a regular file.`)
  if ((stat.mode & othersMayTouch) !== 0)
    throw new KeyRefused(
      `The key file ${path} has mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}: others may read or change it. Set it with chmod 0400.`,
    )
  const ourselves = process.geteuid?.()
  if (stat.uid !== ourselves && stat.uid !== 0)
    throw new KeyRefused(`The key file ${path} belongs to another user.`)
}

async function readPassphrase(handle: FileHandle, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(bytesMax + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  const content = buffer.subarray(0, length)
  if (length > bytesMax) {
    content.fill(0)
    throw new KeyRefused(`The key file ${path} is larger than ${bytesMax} bytes.`)
  }
  const passphrase = withoutLineEnd(content)
  if (passphrase.length === 0) throw new KeyRefused(`The key file ${path} is empty.`)
  return passphrase
}

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1)
}
