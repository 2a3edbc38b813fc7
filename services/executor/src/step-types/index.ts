import type { AnyStepType } from './define-step-type.ts'
import { httpGet } from './http-get.ts'
import { httpPost } from './http-post.ts'
import { sqlQuery } from './sql-query.ts'

/** A new step type is one file, its test and one line here. */
const stepTypeList: readonly AnyStepType[] = [httpGet, httpPost, sqlQuery]

/** Every step type, by its name. */
export const stepTypes: ReadonlyMap<string, AnyStepType> = new Map(
  stepTypeList.map((stepType) => [stepType.type, stepType]),
)
