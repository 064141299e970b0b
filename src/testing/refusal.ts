import assert from 'node:assert/strict'
import { type ErrorCode, isMillraceError, type MillraceError } from '../errors.ts'
import { within } from './framework.ts'

/** Expects a call to fail with a code. @returns the error. */
export async function refused(what: string, codes: ErrorCode | readonly ErrorCode[], call: () => Promise<unknown>): Promise<MillraceError> {
  const expected = typeof codes === 'string' ? [codes] : codes
  const outcome = await within(
    `${what} is refused as ${expected.join(' or ')}`,
    (async () => call())().then(
      value => ({ value }),
      (error: unknown) => ({ error }),
    ),
  )
  if (!('error' in outcome)) assert.fail(`${what} must be refused as ${expected.join(' or ')}; it was accepted.`)
  const { error } = outcome
  if (!isMillraceError(error) || !expected.includes(error.code)) {
    assert.fail(
      `${what} must be refused as ${expected.join(' or ')}; it failed with ${error instanceof Error ? error.stack : String(error)}.`,
    )
  }
  return error
}
