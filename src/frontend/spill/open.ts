import { MillraceError } from '../../errors.ts'
import type { Spill, SpillOptions, SpillStatus } from './spill.ts'
import { SpillFolder } from './spill-folder.ts'
import { SpillLog } from './spill-log.ts'
import { SpillingStream } from './spilling-stream.ts'

/** With less a log cannot even hold its own tables and a moment's data. */
const SMALLEST_BYTES = 1_000_000

/**
 * Opens a spill; what an earlier process has left in it goes to the stream before anything new.
 * @throws CONFIG_INVALID: the folder cannot be used, or the spill is switched off while data of an earlier process wait in it; what `openLog`
 * throws, DATA_DIRECTORY_LOCKED among it. TypeError: a limit that makes no sense.
 */
export async function openSpill(options: SpillOptions): Promise<Spill> {
  const { maxBytes } = options
  if (!(maxBytes === 0 || maxBytes >= SMALLEST_BYTES)) {
    throw new TypeError(`A spill of ${maxBytes} bytes makes no sense: it is 0 (none) or at least ${SMALLEST_BYTES}.`)
  }
  const folder = new SpillFolder(options.directory)
  await folder.prepare()
  if (maxBytes === 0) {
    await checkNothingWaits(folder, options)
    return noSpill(options)
  }
  const spill = new SpillingStream(options, folder, options.log ?? { info() {}, warn() {} })
  await spill.start()
  return spill
}

/** Data that were acknowledged are not left behind because of a setting. */
async function checkNothingWaits(folder: SpillFolder, { openLog }: SpillOptions): Promise<void> {
  if (!(await folder.exists())) return
  const log = await SpillLog.open(await openLog({ directory: folder.path, maxBytes: SMALLEST_BYTES }), [])
  const { waiting } = log.backlog
  await log.close()
  if (waiting > 0) {
    throw new MillraceError('CONFIG_INVALID', `The spill is switched off, and ${waiting} data that were accepted wait in ${folder.path}.`, {
      fix: 'Start once with the spill switched on, until they are in the stream; or delete that folder to give them up.',
    })
  }
  await folder.remove()
}

function noSpill({ stream }: SpillOptions): Spill {
  const status: SpillStatus = { state: 'direct', data: 0, bytes: 0, maxBytes: 0, full: false, sinceMs: 0 }
  return {
    append: batches => stream.append(batches),
    async ensure() {},
    status: () => status,
    close: async () => 0,
  }
}
