import { confirm, isCancel } from '@clack/prompts'
import { MillraceError } from '../errors.ts'
import { usage } from './command.ts'
import type { Output } from './output.ts'

/** Asks a person, who is told what comes of it. @throws USAGE where they say no, or there is nobody to ask. */
export async function confirmed(output: Output, consequence: string, question: string): Promise<void> {
  if (!output.interactive) throw usage(`${consequence} There is no terminal to ask.`, 'Add --yes.')
  const sure = await confirm({ message: `${consequence} ${question}`, initialValue: false, output: process.stderr })
  if (isCancel(sure) || !sure) throw new MillraceError('USAGE', 'Nothing was changed.')
}
