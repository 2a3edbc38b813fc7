import type { AnyStepType } from './define-step-type.ts'
import { httpGet } from './http-get.ts'
import { httpPost } from './http-post.ts'
import { sqlQuery } from './sql-query.ts'

/** Every step type, by its name. A new one is one file, its test and one line here. */
export const stepTypes: ReadonlyMap<string, AnyStepType> = new Map(
  [httpGet, httpPost, sqlQuery].map((stepType) => [stepType.type, stepType]),
)
