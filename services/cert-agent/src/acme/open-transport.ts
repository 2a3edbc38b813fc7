import { readFile } from 'node:fs/promises'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { openOutbound } from '../outbound/open-outbound.ts'
import { createTransport } from './transport.ts'

export type AcmeDeps = Pick<Deps, 'config' | 'internal' | 'resolve' | 'trustLookup' | 'log' | 'now'>

/** A chain of a few certificates is the most that a CA has to say. */
const answerBytesMax = 512 * 1024

/** To a CA, under the project's outbound policy; those that only ACME_CA_FILE knows are trusted too. */
export async function openTransport(
  deps: AcmeDeps,
  { projectId, signal }: { projectId: string; signal: AbortSignal },
) {
  const authorities = await ownAuthorities(deps.config.ACME_CA_FILE)
  const outbound = await openOutbound(deps, { projectId, authorities, answerBytesMax })
  return {
    ...createTransport({ outbound, signal, now: deps.now }),
    close: () => outbound.close(),
  }
}

async function ownAuthorities(file: string | undefined): Promise<string[]> {
  if (file === undefined) return []
  try {
    return [await readFile(file, 'utf8')]
  } catch (cause) {
    throw new AppError('internal_error', 'The file of ACME_CA_FILE cannot be read.', { cause })
  }
}
