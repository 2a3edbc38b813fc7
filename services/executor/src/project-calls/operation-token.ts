import { toStorableText } from '../json-limits.ts'

/** The workflow that does an operation's work, where a worker like ours serves it: its token says so. */
export function workflowIdOf(token: string | undefined): string | undefined {
  try {
    const { wid } = JSON.parse(Buffer.from(token ?? '', 'base64url').toString()) as { wid?: unknown }
    return typeof wid === 'string' ? toStorableText(wid).slice(0, 255) : undefined
  } catch {
    return undefined
  }
}
