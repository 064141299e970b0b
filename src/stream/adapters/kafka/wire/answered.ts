import { answersOf } from '../failure.ts'

/** Answers that hold an error for one of their parts come as errors with the whole answer inside: here each part is judged for itself. */
export async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    // The client's ResponseError carries what the call would have resolved to.
    if (error instanceof Error && 'response' in error && answersOf(error).length > 0) return error.response as T
    throw error
  }
}
