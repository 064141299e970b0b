import { useEffect, useState } from 'preact/hooks'
import type { Life } from '../../../api/data.ts'
import { useResource } from '../../live/resource.ts'
import { Command, Copy } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { shellWord } from '../../parts/shell.ts'
import { Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo, query } from '../../router.ts'
import { type Copyable, curlText, fixtureText, sendText } from './copies.ts'
import { Family } from './family.tsx'
import { Hops } from './hops.tsx'
import { isOpen } from './waterfall.ts'
import { WaterfallView } from './waterfall-view.tsx'

const EVERY_MS = 3_000

/** The life of one datum: when which agent had it, what came of it, where it is stored. */
export function DatumPage({ id }: { readonly id: string }) {
  const source = query.value.get('source')
  const asked = source === null ? '' : `?source=${encodeURIComponent(source)}`
  // A life that is over stays as it is.
  const [isOver, setOver] = useState(false)
  const resource = useResource<Life>(`/v1/data/${encodeURIComponent(id)}${asked}`, isOver ? undefined : EVERY_MS)
  const { answer } = resource
  useEffect(() => setOver(answer !== undefined && !isOpen(answer)), [answer])
  const command = `millrace trace ${shellWord(id)}${source === null ? '' : ` --source ${shellWord(source)}`}`
  return (
    <>
      <Crumbs up={[{ parts: ['data'], title: 'Data' }]} title={id} />
      <div class="headline">
        <h1 class="mono">{id}</h1>
        <p>
          <Command text={command} />
        </p>
      </div>
      <Show resource={resource} what="the datum’s life">
        {life => <LifeView life={life} command={command} />}
      </Show>
    </>
  )
}

function LifeView({ life, command }: { readonly life: Life; readonly command: string }) {
  const datum = life.data.find(({ data_id }) => data_id === life.data_id)
  return (
    <>
      <Facts
        of={{
          Topic: datum === undefined ? undefined : <a href={hrefTo(['topics', datum.topic])}>{datum.topic}</a>,
          Place: datum === undefined ? undefined : `partition ${datum.partition}, offset ${datum.offset}`,
          Source: <a href={hrefTo(['data'], { source: life.source })}>{life.source}</a>,
          Key:
            datum?.key === null || datum === undefined ? undefined : (
              <a href={hrefTo(['data'], { topic: datum.topic, key: datum.key })}>{datum.key}</a>
            ),
          Created: <When at={life.created} />,
          Accepted: <When at={life.accepted} />,
          'Content type': datum?.content_type,
        }}
      />
      {datum !== undefined && (
        <p class="row">
          <span class="dim">Copy as</span>
          <CopyAs title="curl" what={curlText(datum)} />
          <CopyAs title="millrace send" what={sendText(datum)} />
          <CopyAs title="test fixture" what={fixtureText(datum)} />
        </p>
      )}
      <WaterfallView life={life} />
      <Family life={life} command={`${command} --lineage`} />
      <Hops life={life} />
    </>
  )
}

function CopyAs({ title, what }: { readonly title: string; readonly what: Copyable }) {
  if ('why' in what) {
    return (
      <button type="button" disabled title={what.why}>
        {title}
      </button>
    )
  }
  return (
    <span class="copy-as">
      {title} <Copy text={what.text} what={`it as ${title}`} />
    </span>
  )
}
