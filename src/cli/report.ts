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
  const refusal = refusalOf(error)
  if (refusal !== undefined) return refusal
  return {
    code: 'FAULT',
    what: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    fix: 'This should not happen. Run it again with --debug for the place, and report it with what that prints.',
  }
}

/** What the file system says no to is neither a fault of ours nor of the user's code, and no report would mend it. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'Give this user the right to it, or name another place (--data for the data directory).',
  EPERM: 'Give this user the right to it, or name another place (--data for the data directory).',
  EROFS: 'It is mounted read-only: name another place (--data for the data directory).',
  ENOTDIR: 'A file is where a directory is wanted: name another place (--data for the data directory).',
  EISDIR: 'A directory is where a file is wanted: name another.',
  ENOSPC: 'Make room on the disk and run it again.',
  EMFILE: 'Raise the number of open files (ulimit -n) and run it again.',
}

function refusalOf(error: unknown): { code: string; what: string; fix: string } | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const fix = REFUSALS[error.code]
  return fix === undefined ? undefined : { code: error.code, what: `${error.message}.`, fix }
}

function stackOf(error: unknown): string {
  const stacks: string[] = []
  for (let at = error; at !== undefined && stacks.length < 8; at = at instanceof Error ? at.cause : undefined) {
    stacks.push(at instanceof Error ? (at.stack ?? at.message) : String(at))
  }
  return stacks.join('\ncaused by: ')
}
