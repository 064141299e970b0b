import { isMillraceError } from '../errors.ts'
import { paintNotice, plain } from './output.ts'

/**
 * Says an error on stderr: what happened and where, then what to do about it. A stack only where it helps: with --debug, or where
 * it is a fault of Millrace's own or of a user's code.
 */
export function report(error: unknown, how: { readonly json: boolean; readonly debug: boolean }): void {
  const { code, what, fix } = partsOf(error)
  if (how.json) process.stderr.write(`${JSON.stringify({ error: { code, message: what, ...(fix === undefined ? {} : { fix }) } })}\n`)
  else {
    process.stderr.write(`${paintNotice('red', 'error:')} ${plain(what)}\n`)
    if (fix !== undefined) process.stderr.write(`  ${plain(fix).replaceAll('\n', '\n  ')}\n`)
  }
  if (how.debug) process.stderr.write(`${stackOf(error)}\n`)
}

function partsOf(error: unknown): { code: string; what: string; fix: string | undefined } {
  if (isMillraceError(error)) {
    const what = error.fix === undefined ? error.message : error.message.slice(0, -error.fix.length - 1)
    return { code: error.code, what, fix: error.fix }
  }
  // A TypeError from a declaration is the user's mistake and names itself; anything else is a fault of ours.
  if (error instanceof TypeError) return { code: 'TYPE_ERROR', what: error.message, fix: undefined }
  return {
    code: 'FAULT',
    what: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    fix: 'This should not happen. Run it again with --debug for the place, and report it with what that prints.',
  }
}

function stackOf(error: unknown): string {
  const stacks: string[] = []
  for (let at = error; at !== undefined && stacks.length < 8; at = at instanceof Error ? at.cause : undefined) {
    stacks.push(at instanceof Error ? (at.stack ?? at.message) : String(at))
  }
  return stacks.join('\ncaused by: ')
}
