import { TopicsList } from './list.tsx'
import { TopicPage } from './topic.tsx'

/** All topics, or one with its partitions, its keys and its live tail. */
export function TopicsPage({ rest: [topic] }: { readonly rest: readonly string[] }) {
  return topic === undefined ? <TopicsList /> : <TopicPage topic={topic} />
}
