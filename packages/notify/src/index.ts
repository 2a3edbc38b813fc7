export { faultOfSigningSecret } from '@opsconductor/webhook-signatures'
export {
  createNotifier,
  type Notifier,
  type NotifierOptions,
  type Post,
} from './create-notifier.ts'
export type { Notification } from './notification.ts'
export type { Email, MailServer } from './send-email.ts'
export { faultOfWebhookUrl } from './webhook.ts'
