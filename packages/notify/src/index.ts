export {
  createNotifier,
  type Notification,
  type Notifier,
  type NotifierOptions,
} from './create-notifier.ts'
export { faultOfSigningSecret, faultOfWebhookUrl } from './webhook.ts'
