import type { NewKey } from '../../../api/producers.ts'
import { Copy } from '../../parts/command.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { topicsText } from './key-words.ts'

/** A new key with its secret: the only time that anybody sees it. */
export function Secret({ made, onClose }: { readonly made: NewKey | undefined; onClose(): void }) {
  return (
    <Dialog open={made !== undefined} title="The key is made" onClose={onClose}>
      {made !== undefined && (
        <>
          <p>
            It lets {made.record.source} send to {topicsText(made.record.topics)}. <strong>It is shown this once</strong>: Millrace keeps
            its hash alone.
          </p>
          <p class="command secret">
            <code>{made.key}</code>
            <Copy text={made.key} what="the key" />
          </p>
          <p class="dim">
            It is sent as <code>Authorization: Bearer …</code>
          </p>
          <div class="changes end">
            <button type="button" class="primary" onClick={onClose}>
              I have kept it
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
