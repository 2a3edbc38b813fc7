import { isLoopback } from './loopback.ts'

/** What is wrong with a webhook's address, for a person, without quoting it; undefined where nothing is. */
export function faultOfWebhookUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL like https://hooks.example.com/…'
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  return undefined
}
