/** Steps as these tests write them into their jobs. */
export const set = (id: string, values: object, more: object = {}) => ({
  id,
  type: 'set',
  input: { values },
  ...more,
})

export const httpGet = (id: string, url: string, more: object = {}) => ({
  id,
  type: 'http.get',
  input: { url },
  ...more,
})
