import { AppError } from '@opsconductor/errors'

export const mibNotFound = () => new AppError('not_found', 'The project has loaded no such MIB module.')
