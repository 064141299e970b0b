import { decodeData } from '../../envelope/content.ts'
import { isMillraceError } from '../../errors.ts'

/** A datum's value by its content type; what does not decode is shown as text, for it is just what a person is looking for. */
export function decoded(contentType: string, data: Buffer): unknown {
  try {
    return decodeData(contentType, data)
  } catch (error) {
    if (isMillraceError(error, 'BODY_MALFORMED')) return data.toString('utf8')
    throw error
  }
}
