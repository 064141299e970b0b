import type { Command } from 'commander'
import { optionsOf, outputOf } from '../command.ts'
import { NOTICES, type TopicsAnswer, topicsNow } from '../overview.ts'
import { lengthText, table } from '../table.ts'

export function addTopics(program: Command): void {
  program
    .command('topics')
    .description('the topics: partitions, data held, rates, who writes and reads them')
    .option('--internal', 'also those that Millrace keeps for itself')
    .action((_options, command: Command) => topics(command))
}

async function topics(command: Command): Promise<void> {
  const options = optionsOf<{ internal?: boolean }>(command)
  const output = outputOf(options)
  const { running, source, answer } = await topicsNow(options)
  const shown = answer.topics.filter(topic => options.internal === true || !topic.internal)
  if (!output.json && shown.length === 0) output.notice('There are no topics yet: start a pipeline first.')
  if (!output.json && source !== undefined) output.notice(NOTICES[source])
  output.answer({ ...answer, running, topics: shown }, () => draw(shown))
}

function draw(topics: TopicsAnswer['topics']): string {
  if (topics.length === 0) return ''
  return table(
    ['TOPIC', 'PARTITIONS', 'APPENDED', 'HELD', 'IN/S', 'KEPT', 'WRITTEN BY', 'READ BY'],
    topics.map(topic => [
      topic.topic,
      topic.partitions.length,
      topic.appended,
      topic.retained,
      Math.round(topic.in_per_second),
      lengthText(topic.retention_seconds * 1_000),
      topic.written_by.join(', '),
      topic.read_by.join(', '),
    ]),
  )
}
