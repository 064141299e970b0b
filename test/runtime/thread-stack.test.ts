import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { stackIn, stackOf } from '../../src/runtime/thread-stack.ts'

async function working(code: string): Promise<Worker> {
  const worker = new Worker(`const { parentPort } = require('node:worker_threads'); parentPort.postMessage('here'); ${code}`, {
    eval: true,
  })
  onTestFinished(async () => void (await worker.terminate()))
  await once(worker, 'message')
  return worker
}

test('a thread that spins and answers nothing is found where it spins', async () => {
  const worker = await working('function predict() { for (let n = 0; ; n++) JSON.stringify({ n }) }\nfunction mood() { predict() }\nmood()')
  // By then the compiler may have put the one into the other, and it shows as that one.
  expect(await stackOf(worker, systemClock)).toMatch(/at (predict .*\n(.*\n)*.*at )?mood /)
})

test('one that has ended has no stack', async () => {
  const worker = await working('')
  await worker.terminate()
  expect(await stackOf(worker, systemClock)).toBeUndefined()
})

test('a profile’s hottest place is what is shown: innermost first, with the line that runs, without Node’s own frames', () => {
  const frame = (functionName: string, url: string, lineNumber: number) => ({ functionName, url, lineNumber })
  const nodes = [
    { id: 1, callFrame: frame('(root)', '', -1), children: [2, 6] },
    { id: 2, callFrame: frame('processTicksAndRejections', 'node:internal/process/task_queues', 70), children: [3] },
    { id: 3, callFrame: frame('', 'file:///home/me/pipeline.ts', 9), children: [4, 5] },
    { id: 4, callFrame: frame('quick', 'file:///home/me/model.ts', 3), hitCount: 2 },
    {
      id: 5,
      callFrame: frame('predict', 'file:///home/me/model.ts', 11),
      hitCount: 40,
      positionTicks: [
        { line: 14, ticks: 3 },
        { line: 15, ticks: 37 },
      ],
    },
    { id: 6, callFrame: frame('(garbage collector)', '', -1), hitCount: 90 },
  ]
  expect(stackIn({ nodes })).toBe('    at predict (file:///home/me/model.ts:15)\n    at <anonymous> (file:///home/me/pipeline.ts:10)')
  expect(stackIn({ nodes: nodes.slice(0, 1) })).toBeUndefined()
})
