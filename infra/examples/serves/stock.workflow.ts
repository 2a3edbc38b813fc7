import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow'

export interface Articles {
  article: string
  count: number
}

/** What a project has in stock: one workflow that goes on for ever. */
export async function stock(): Promise<void> {
  const articles = new Map<string, number>()
  const left = (article: string) => articles.get(article) ?? 0
  setHandler(defineSignal<[Articles]>('fill'), ({ article, count }) => {
    articles.set(article, left(article) + count)
  })
  setHandler(defineQuery<number, [Pick<Articles, 'article'>]>('count'), ({ article }) => left(article))
  setHandler(
    defineUpdate<{ left: number }, [Articles]>('take'),
    ({ article, count }) => {
      articles.set(article, left(article) - count)
      return { left: left(article) }
    },
    {
      validator({ article, count }) {
        if (left(article) < count) throw ApplicationFailure.nonRetryable(`Not enough ${article}.`, 'sold_out')
      },
    },
  )
  await condition(() => false)
}
