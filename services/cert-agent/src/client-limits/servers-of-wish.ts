import type { Challenge } from '@opsconductor/contracts'

/** The servers that issuing a certificate does something on: where the file of a challenge is put, where its key is made. */
export const serversOfWish = (
  challenges: readonly Challenge[],
  keyMadeOn: string | null | undefined,
): string[] => [
  ...new Set([
    ...challenges.flatMap((one) => (one.type === 'http-01' ? (one.server_id ?? []) : [])),
    ...(keyMadeOn == null ? [] : [keyMadeOn]),
  ]),
]
