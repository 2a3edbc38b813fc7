export { signGithubWebhook } from './github.ts'
export { faultOfSigningSecret } from './signing-secret.ts'
export { signStandardWebhook } from './standard.ts'
export {
  type ReceivedWebhook,
  verifyWebhook,
  type WebhookFault,
  type WebhookVerdict,
} from './verify-webhook.ts'
