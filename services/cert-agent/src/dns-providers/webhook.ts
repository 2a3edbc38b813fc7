import { randomUUID } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import { faultOfSigningSecret, signStandardWebhook } from '@opsconductor/webhook-signatures'
import { z } from 'zod'
import {
  commonSettings,
  defineDnsProvider,
  type ProviderTools,
  type TxtRecord,
} from './define-dns-provider.ts'
import { HttpsSetting } from './https-setting.ts'
import { providerFailure } from './provider-failure.ts'

const settings = z.strictObject({ url: HttpsSetting, ...commonSettings })
type Tools = ProviderTools<z.infer<typeof settings>>

/** A program of the customer's: POST `{ action, fqdn, value }`, signed by Standard Webhooks; any 2xx says that it is done. */
export const webhook = defineDnsProvider({
  id: 'webhook',
  title: 'Webhook',
  settings,
  credentials: ['webhook_secret'],
  presentTxt: (record, tools) => tell('present', record, tools),
  removeTxt: (record, tools) => tell('remove', record, tools),
})

async function tell(
  action: 'present' | 'remove',
  { fqdn, value }: TxtRecord,
  { settings, credential, outbound, now, signal }: Tools,
): Promise<void> {
  const body = JSON.stringify({ action, fqdn, value })
  const { status, headers } = await outbound.send({
    method: 'POST',
    url: settings.url,
    headers: {
      'content-type': 'application/json',
      // Another id each time: what was removed may have to be presented again.
      ...signStandardWebhook(secretsOf(credential), { id: randomUUID(), body, at: now() }),
    },
    body,
    signal,
  })
  if (status < 200 || status > 299) throw providerFailure('The DNS webhook', { status, headers })
}

function secretsOf({ secret }: Tools['credential']): string[] {
  const secrets = [secret.secret, secret.previous_secret, secret.older_secret].flatMap(
    (part) => part?.reveal() ?? [],
  )
  if (secrets.length > 0 && secrets.every((text) => faultOfSigningSecret(text) === undefined)) return secrets
  throw new AppError('step_failed', 'The credential holds no signing secret of at least 16 characters.')
}
