import { isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'

/** Random hashes of 128 bits do not collide by chance; more attempts than this means a broken generator. */
const attemptsMax = 5

/** Does `work`, which inserts a fresh hash in a transaction of its own; again with another one where it was taken. */
export async function withFreshHash<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isUniqueViolation(error, 'hash')) throw error
      if (attempt === attemptsMax)
        throw new AppError('service_unavailable', 'No free address was found; try again.', { cause: error })
    }
  }
}
