import type { Chore } from '@opsconductor/service-kit'
import { sendNotifications } from './send-notifications.ts'

type Needed = Parameters<typeof sendNotifications>[0]

const sendEveryMs = 5_000
const dayMs = 86_400_000
const keptDays = 400

export const notificationChores = (deps: Needed, stop: AbortSignal): Chore[] => [
  { name: 'notifications', everyMs: sendEveryMs, run: () => sendNotifications(deps, stop) },
  {
    name: 'old notifications',
    everyMs: dayMs,
    run: () => deps.notifications.removeBefore(new Date(deps.now().getTime() - keptDays * dayMs)),
  },
]
