import type { Command } from 'commander'
import { formatId, isDataId, suppliedId } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import { drawLineage, drawStory } from '../../trace/draw.ts'
import { whereIs } from '../../trace/explain.ts'
import { lineageToJson, storyToJson } from '../../trace/json.ts'
import { lineage } from '../../trace/lineage.ts'
import { optionsOf, outputOf, usage } from '../command.ts'
import { plain } from '../output.ts'
import { withView } from '../view.ts'

export function addTrace(program: Command): void {
  program
    .command('trace')
    .description('where a datum is: who took it, who finished it, when, and what became of it')
    .argument('<data_id>', "the datum's id, as its receipt said; with --source also the producer's own id")
    .option('--source <source>', "the producer, where the id is its own (Idempotency-Key) and not Millrace's")
    .option('--lineage', 'what it was derived from and what was derived from it')
    .action((id: string, _options, command: Command) => trace(id, command))
}

async function trace(given: string, command: Command): Promise<void> {
  const options = optionsOf<{ lineage?: boolean; source?: string }>(command)
  const output = outputOf(options)
  const id = options.source === undefined ? given.toLowerCase() : formatId(suppliedId(options.source, given), 0)
  if (!isDataId(id))
    throw usage(
      `'${given}' is not a data_id, which is a UUID.`,
      "Take it from the receipt, or from millrace tap; for a producer's own id add --source <source>.",
    )
  await withView(options, async (view, directory) => {
    const nowMs = Date.now()
    if (options.lineage === true) {
      const found = await lineage(view, id)
      if (found === undefined) throw unknown(id, directory)
      output.answer(lineageToJson(found), () => plain(drawLineage(found)))
      return
    }
    const story = await whereIs(view, id, nowMs)
    if (story === undefined) throw unknown(id, directory)
    output.answer(storyToJson(story), () => plain(drawStory(story, nowMs)))
  })
}

function unknown(id: string, directory: string): MillraceError {
  return new MillraceError('DATUM_UNKNOWN', `There is no datum ${id} in ${directory}, or its trace has been forgotten.`, {
    fix: 'The trace is kept for a limited time (24 h unless retention.trace says otherwise).',
  })
}
