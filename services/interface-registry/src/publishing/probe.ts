import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { FaceToPublish } from './plan.ts'

const pauseMs = { first: 50, most: 1_000 }
const attemptMs = 2_000

/**
 * True once a call without a key, through the gateway, got this service's own refusal for this interface: the route is
 * live. A real Kong takes up to 5 s after its Admin API said 201.
 */
export async function provenThroughGateway(
  face: FaceToPublish,
  { proxyUrl, withinMs, signal }: { proxyUrl: string; withinMs: number; signal: AbortSignal },
): Promise<boolean> {
  const until = performance.now() + withinMs
  const agent = new Agent({ connectTimeout: attemptMs, maxResponseSize: 64 * 1024 })
  try {
    for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.most)) {
      if (await isRefusedByUs(face, proxyUrl, agent)) return true
      if (performance.now() + pause > until) return false
      await delay(pause, undefined, { signal })
    }
  } finally {
    await agent.destroy()
  }
}

async function isRefusedByUs(face: FaceToPublish, proxyUrl: string, agent: Agent): Promise<boolean> {
  try {
    const answer = await request(new URL(`/api/v1/${face.hash}${face.httpPath}`, proxyUrl), {
      method: face.httpMethod as 'GET',
      dispatcher: agent,
      signal: AbortSignal.timeout(attemptMs),
    })
    const text = await answer.body.text()
    return answer.statusCode === 401 && JSON.parse(text).code === 'missing_api_key'
  } catch {
    return false
  }
}
