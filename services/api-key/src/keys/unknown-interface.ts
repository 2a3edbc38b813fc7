import { AppError } from '@opsconductor/errors'

/** The same answer for an interface that does not exist and one of another project. */
export const unknownInterface = () =>
  new AppError('validation_failed', 'There is no such public interface in the project.', {
    errors: [{ path: 'body.public_interface_id', message: 'is not a public interface of the project' }],
  })
