import { defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow'

export const answer = defineUpdate<string>('answer')

const { remember } = proxyActivities<{ remember(text: string): Promise<string> }>({
  startToCloseTimeout: '10 seconds',
})

/** One activity, whose result an update waits for. */
export async function echo(text: string): Promise<string> {
  const result = remember(text)
  setHandler(answer, () => result)
  return await result
}
