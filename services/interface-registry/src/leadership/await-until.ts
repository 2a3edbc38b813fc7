import { setTimeout as delay } from 'node:timers/promises'

const pollMs = { first: 15, most: 250 }

/** Waits until `settled` says so or the bound is reached. It asks the row: the leader may be another process. */
export async function awaitUntil(settled: () => Promise<boolean>, secondsMax: number): Promise<void> {
  const until = performance.now() + secondsMax * 1000
  for (let pauseMs = pollMs.first; performance.now() < until; pauseMs = Math.min(pauseMs * 2, pollMs.most)) {
    if (await settled()) return
    await delay(pauseMs)
  }
}
