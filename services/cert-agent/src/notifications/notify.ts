import type { Deps } from '../deps.ts'
import type { Told } from './kinds.ts'

type Needed = Pick<Deps, 'notifications'>

/** Written down, and sent soon; nothing where the project has named nobody to tell, or was told already. */
export const notify = ({ notifications }: Needed, told: Told): Promise<void> => notifications.add(told)

/** It is well again: what was told under keys that begin so is told anew when it comes back. */
export const forgetTold = (
  { notifications }: Needed,
  projectId: string,
  ...keyPrefixes: string[]
): Promise<void> => notifications.forget(projectId, keyPrefixes)
