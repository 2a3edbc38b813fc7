/** Of absolute paths without `.` and `..`, as RemoteAbsolute has them. */
export const isBelow = (directory: string, path: string): boolean =>
  path.startsWith(directory.endsWith('/') ? directory : `${directory}/`) && path !== directory
