/**
 * Changes the master key while the secrets broker serves:
 *
 *   npm run secrets:rotate -- --old-key "$SECRETS_KMS_KEY" --new-key "$NEW_KEY"
 *   npm run secrets:rotate -- --old-key-file old --to-provider pkcs11
 *   npm run secrets:rotate -- --status | --rollback ID
 *
 * Ends with code 0 when the proof shows that nothing is left under the old key.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  getKeyringEndpoint,
  type KeyProviderName,
  type KeyRotation,
  rollBackKeyRotationEndpoint,
  startKeyRotationEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { createLayout } from '../local/layout.ts'
import { StackFault } from '../local/stack-fault.ts'
import { connectToBroker } from './running-broker.ts'

const options = {
  'old-key': { type: 'string' },
  'old-key-file': { type: 'string' },
  'new-key': { type: 'string' },
  'new-key-file': { type: 'string' },
  'to-provider': { type: 'string' },
  rollback: { type: 'string' },
  status: { type: 'boolean' },
} as const

const pollMs = 500

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof StackFault || error instanceof AppError || isUsageError(error))) throw error
  console.error(`secrets:rotate: ${(error as Error).message}`)
  process.exitCode = 1
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options })
  const broker = connectToBroker(process.env)
  try {
    if (values.status) return await showStatus(broker)
    if (values.rollback !== undefined) {
      const back = await broker.call(rollBackKeyRotationEndpoint, {}, { params: { id: values.rollback } })
      return await follow(broker, [back])
    }
    const oldKey = keyOf(values['old-key'], values['old-key-file'])
    const newKey = keyOf(values['new-key'], values['new-key-file'])
    const { rotations } = await broker.call(startKeyRotationEndpoint, {
      old_key: oldKey,
      new_key: newKey,
      to_provider: values['to-provider'] as z.infer<typeof KeyProviderName> | undefined,
    })
    const code = await follow(broker, rotations)
    if (code === 0 && newKey !== undefined) sayWhatIsNext(oldKey, newKey)
    return code
  } finally {
    await broker.close()
  }
}

function keyOf(text: string | undefined, file: string | undefined): string | undefined {
  return file === undefined ? text : readFileSync(file, 'utf8').replace(/\r?\n$/, '')
}

async function showStatus(broker: InternalClient): Promise<number> {
  const { keys, rotations } = await broker.call(getKeyringEndpoint, {})
  for (const key of keys)
    console.log(
      `${key.key_use.padEnd(17)} ${key.key_id.padEnd(24)} ${key.provider.padEnd(14)} ${key.state.padEnd(13)} ${key.rows} rows, ${key.data_keys} data keys`,
    )
  for (const rotation of rotations) console.log(lineOf(rotation))
  return 0
}

/** Prints how far the rotations are until all have ended. */
async function follow(broker: InternalClient, begun: readonly KeyRotation[]): Promise<number> {
  const shown = new Map<string, string>()
  for (;;) {
    const { rotations } = await broker.call(getKeyringEndpoint, {})
    const ours = rotations.filter(({ id }) => begun.some((one) => one.id === id))
    for (const rotation of ours) {
      const line = lineOf(rotation)
      if (shown.get(rotation.id) !== line) console.log(line)
      shown.set(rotation.id, line)
    }
    if (ours.every(({ state }) => state !== 'running')) return ours.every(({ proof }) => proof) ? 0 : 1
    await delay(pollMs)
  }
}

function lineOf({
  id,
  key_use,
  from_key_id,
  to_key_id,
  state,
  rows_done,
  rows_total,
  last_error,
  proof,
}: KeyRotation) {
  const head = `${id} ${key_use} ${from_key_id} → ${to_key_id}: ${state}, ${rows_done} of ${rows_total} re-encrypted`
  const proved = proof
    ? `; proof: ${proof.on_new_key} under the new key, ${proof.on_other_keys} under any other, ${proof.sampled} opened as a sample`
    : ''
  return head + proved + (last_error === null ? '' : `; put off: ${last_error}`)
}

/** A local stack keeps its keys in files, and takes the new one at its next start. Elsewhere a person has to set it. */
function sayWhatIsNext(oldKey: string | undefined, newKey: string): void {
  const file = join(createLayout(process.env).keys, 'secrets-kms-key')
  if (process.env.SECRETS_BROKER_URL === undefined && oldKey === readFileSync(file, 'utf8').trim()) {
    writeFileSync(`${file}.new`, `${newKey}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
    console.log(`The new key is in ${file}. The old one is destroyed at the next start.`)
  } else
    console.log(
      'Now set SECRETS_KMS_KEY (or ORCH_CRED_KEY) to the new key and restart the service. It starts with either key until then, and destroys the old one when it has started with the new one.',
    )
}

function isUsageError(error: unknown): boolean {
  return (
    String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS') ||
    (error as { code?: string }).code === 'ENOENT'
  )
}
