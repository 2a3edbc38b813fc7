import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { AppError } from '@opsconductor/errors'

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/**
 * The bytes of an answer's body, at most so many. We ask for answers as they are; from a target that compresses all the
 * same the bytes come decompressed, and it is these that count.
 */
export async function* readBody(
  body: Readable,
  contentEncoding: string | undefined,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of decompressed(body, contentEncoding)) {
    bytes += chunk.length
    if (bytes > bytesMax)
      throw new AppError('target_answer_too_large', `The target answered more than ${bytesMax} bytes.`)
    yield chunk
  }
}

function decompressed(body: Readable, contentEncoding = 'identity'): AsyncIterable<Uint8Array> {
  const encoding = contentEncoding.trim().toLowerCase()
  if (encoding === '' || encoding === 'identity') return body
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding]?.() : undefined
  if (decoder === undefined) {
    body.on('error', () => {}).destroy()
    throw new AppError('step_failed', 'The target encoded its answer in a way that was not asked for.')
  }
  // What goes wrong is seen by who reads from the decoder.
  pipeline(body, decoder, () => {})
  return decoder as unknown as AsyncIterable<Uint8Array>
}
