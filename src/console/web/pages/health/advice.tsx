import type { Advice, AdviceAnswer, Followed } from '../../../api/advice.ts'
import { useResource } from '../../live/resource.ts'
import { Box } from '../../parts/box.tsx'
import { Command, Copy } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Empty, Show } from '../../parts/states.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { agentNameIn, decisionWords, evidenceText, isCommand } from './advice-words.ts'

/** What to scale or mend, with how that was computed; and of what was done, whether it helped. */
export function AdviceView() {
  const found = useResource<AdviceAnswer>('/v1/advice', 5_000)
  return (
    <>
      <Show resource={found} what="advice">
        {({ advice, followed }) => (
          <>
            {advice.length === 0 ? (
              <Empty title="Nothing is to be scaled">
                <p>
                  Every agent of this process keeps up, or will by itself. Advice comes once something has been called for over 20 seconds:
                  add a replica, add partitions, re-engineer a slow agent, or scale the front end.
                </p>
              </Empty>
            ) : (
              <div class="stack">
                {advice.map(each => (
                  <AdviceCard key={`${each.about} ${each.cause}`} advice={each} />
                ))}
              </div>
            )}
            <Past followed={followed} />
          </>
        )}
      </Show>
      <p>
        <Command text="millrace advise" />
      </p>
    </>
  )
}

function AdviceCard({ advice }: { readonly advice: Advice }) {
  const { decision, about, words, arithmetic, evidence, steps, manifest, since } = advice
  const agent = agentNameIn(about)
  return (
    <article class="card advice">
      <p class="dim">
        <span class={`mark ${decision === 'wait' ? '' : 'warn'}`}>{decisionWords(decision)}</span>{' '}
        {agent === undefined ? about : <a href={hrefTo(['agents', agent])}>{about}</a>} · since <When at={since} />
      </p>
      <h2>{words}</h2>
      {arithmetic !== '' && (
        <p class="arithmetic">
          <span class="dim">How many: </span>
          <code>{arithmetic}</code>
        </p>
      )}
      {steps.length > 0 && (
        <>
          <h3>What to do</h3>
          <ol class="steps">
            {steps.map(step => (
              <li key={step}>{isCommand(step) ? <Command text={step} /> : step}</li>
            ))}
          </ol>
        </>
      )}
      <details>
        <summary>What was measured</summary>
        <Facts of={Object.fromEntries(Object.entries(evidence).map(([name, value]) => evidenceText(name, value)))} />
      </details>
      {manifest !== undefined && (
        <details>
          <summary>On Kubernetes: values of the Helm chart</summary>
          <Box text={manifest} label="Values of the Helm chart" />
          <Copy text={manifest} what="the values of the Helm chart" />
        </details>
      )}
    </article>
  )
}

function Past({ followed }: { readonly followed: readonly Followed[] }) {
  if (followed.length === 0) return null
  return (
    <>
      <h2>What was done, and whether it helped</h2>
      <ul class="bare">
        {followed.toReversed().map(each => (
          <li key={`${each.about} ${each.done}`}>
            <span class={`mark ${each.helped ? 'good' : 'warn'}`}>{each.helped ? 'helped' : 'did not help'}</span>{' '}
            {decisionWords(each.decision)}: {each.words}
          </li>
        ))}
      </ul>
    </>
  )
}
