export { faultOfSigningSecret } from '@opsconductor/webhook-signatures'
export {
  createNotifier,
  type Notification,
  type Notifier,
  type NotifierOptions,
} from './create-notifier.ts'
export { faultOfWebhookUrl } from './webhook.ts'
