import type { Command } from 'commander'
import type { Producer, ProducersAnswer } from '../../console/api/producers.ts'
import { optionsOf, outputOf } from '../command.ts'
import { askHere } from '../operators.ts'
import { plain } from '../output.ts'
import { grouped, lengthText, table } from '../table.ts'

export function addProducers(program: Command): void {
  program
    .command('producers')
    .description('who sends what to the front end that runs here, what came of it, and why some was rejected')
    .action((_options, command: Command) => producers(command))
}

async function producers(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  // Wherever the stream is: a front end's process alone knows who has sent what to it.
  const why = 'who sent what is known to a running front end alone'
  const answer = (await askHere(options, '/v1/producers', why)) as ProducersAnswer // our own API
  output.answer(answer, () => draw(answer.producers))
  if (output.json) return
  if (!answer.front_end) output.notice('The process that runs here has no front end: ask where one runs.')
  else if (answer.producers.length === 0) output.notice(`Nobody has sent anything since ${answer.since}.`)
}

function draw(all: readonly Producer[]): string {
  if (all.length === 0) return ''
  const rows = table(
    ['SOURCE', 'RECEIVED', 'REJECTED', 'DUPLICATE', 'ACCEPTED', 'RETRY', 'REFUSED', 'ACCEPTED/S', 'LAST SEEN'],
    all.map(each => [
      plain(each.source),
      ...[each.received, each.rejected, each.duplicate, each.accepted, each.retry, each.refused_requests],
      Math.round(each.accepted_per_second * 10) / 10,
      each.last_seen === null ? '' : `${lengthText(Math.max(0, Date.now() - Date.parse(each.last_seen)))} ago`,
    ]),
  )
  return [rows, ...all.flatMap(lines)].join('\n')
}

/** Why data of a producer were rejected, and how far what it sent is stored. */
function lines({ source, reasons, topics }: Producer): string[] {
  const name = plain(source)
  return [
    ...reasons.map(
      ({ reason, count, sample }) =>
        `${name}: ${grouped(count)} × ${plain(reason)}${sample === null ? '' : `, such as ${plain(sample.split('\n', 1)[0]!)}`}`,
    ),
    ...topics.flatMap(({ topic, stores }) =>
      stores.map(({ agent, waiting, until }) =>
        until === null
          ? `${name}: nobody can say yet how far ${agent} is with ${topic}`
          : `${name}: ${topic} is stored by ${agent} up to ${until}, ${grouped(waiting)} data of all producers wait`,
      ),
    ),
  ]
}
