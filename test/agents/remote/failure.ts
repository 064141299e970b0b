/** What a datum failed by. @throws where it did not. */
export function failureOf(of: Promise<unknown>): Promise<Error & { readonly code?: string; readonly retryable?: boolean }> {
  return of.then(
    outputs => Promise.reject(new Error(`It should have failed, and put out ${JSON.stringify(outputs)}.`)),
    error => error,
  )
}
