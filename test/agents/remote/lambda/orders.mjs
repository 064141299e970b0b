/* A Lambda function that does what each datum says (src/testing/remote-suite.ts), and more. */
export async function handler({ data }) {
  return { results: await Promise.all(data.map(resultOf)) }
}

/** Answers as AWS's own event sources have it. */
export async function partial({ data }) {
  return { batchItemFailures: data.filter(({ data }) => data.do === 'fail').map(({ data_id }) => ({ itemIdentifier: data_id })) }
}

async function resultOf({ n, data, attempt, window, state }) {
  if (data.do === 'die') process.exit(7)
  if (data.do === 'hang') await new Promise(resolve => setTimeout(resolve, 3_600_000))
  if (data.do === 'throw') throw new RangeError(data.message)
  if (data.do === 'fail') return { n, error: { name: 'ValueError', message: data.message } }
  if (data.do === 'block') return { n, error: { blocked_on: data.on } }
  if (data.do === 'final') return { n, error: { name: 'ValueError', message: data.message, retryable: false } }
  if (data.do === 'many') return { n, outputs: Array.from({ length: data.count }, (_, i) => ({ n: i })) }
  if (data.do === 'large') return { n, outputs: ['x'.repeat(data.bytes)] }
  if (data.do === 'echo') return { n, outputs: [{ n: data.n, attempt, window, state }] }
  return { n, outputs: [] }
}
