import { z } from 'zod'

/** Where an API is: https, without credentials, query or fragment; without a slash at its end. */
export const HttpsSetting = z
  .string()
  .max(2_000)
  .refine((text) => {
    const url = URL.parse(text)
    return (
      url?.protocol === 'https:' &&
      [url.username, url.password, url.search, url.hash].every((part) => part === '')
    )
  }, 'must be an https URL without credentials, query or fragment')
  .overwrite((text) => text.replace(/\/+$/, ''))
