import { overview } from '../live/overview.ts'
import { Command } from './command.tsx'
import { shellWord } from './shell.ts'

/** What whoever has just started a pipeline does next. It is shown where nothing has come yet. */
export function FirstDatum() {
  const [entry] = Object.entries(overview.value?.topics ?? {}).find(([, topic]) => topic.entry) ?? []
  if (entry === undefined) return null
  return (
    <p>
      Send a first datum, in a file or as JSON in its place: <Command text={`millrace send --topic ${shellWord(entry)} datum.json`} />
    </p>
  )
}
