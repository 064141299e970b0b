import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { FrameWriter } from '../envelope/frame.ts'
import type { Stream } from '../stream/stream.ts'
import type { TestFramework, UnderTest } from './framework.ts'
import { refused } from './refusal.ts'
import { streamGroupSuite } from './stream-group-suite.ts'
import { batch, dataOf, readAll, spec, texts } from './suite-data.ts'

export interface StreamSuiteOptions {
  /** Opens an empty stream; called for each test. */
  readonly open: () => Promise<UnderTest<Stream>>
  /** `open` gives a `reopen`: what is appended and committed outlives a stop. */
  readonly durable: boolean
}

const ID = '01941f29-7c00-4a5e-8c3b-0123456789ab'
const OTHER_ID = '01941f29-7c00-4a5e-8c3b-0123456789ac'

/** What every {@link Stream} must keep to, against the real thing. The contract's comments are what it checks. */
export function streamSuite({ describe, it }: TestFramework, name: string, options: StreamSuiteOptions): void {
  const over = (test: (stream: Stream, under: UnderTest<Stream>) => Promise<void>) => async () => {
    const under = await options.open()
    try {
      await test(under.subject, under)
    } finally {
      await under.dispose()
    }
  }

  describe(`${name} as a stream: topics`, () => {
    it(
      'makes the topics that are missing, lists every one, and making them again changes nothing',
      over(async stream => {
        await stream.ensure([spec('demand', 3), { ...spec('_internal'), retentionMs: Number.POSITIVE_INFINITY }])
        await stream.append([batch('demand', 2, ['kept'])])
        await stream.ensure([spec('demand', 3), spec('alerts', 2)])
        const partitions = (await stream.topics()).map(topic => [topic.name, topic.partitions]).sort()
        assert.deepEqual(partitions, [
          ['_internal', 1],
          ['alerts', 2],
          ['demand', 3],
        ])
        const forEver = (await stream.topics()).find(topic => topic.name === '_internal')?.retentionMs
        assert.equal(forEver, Number.POSITIVE_INFINITY, 'A topic that is kept for ever is said to be.')
        assert.deepEqual(await readAll(stream, 'demand', 2), ['kept'])
      }),
    )

    it(
      'refuses a topic that exists with other partitions, names the difference, and changes nothing',
      over(async stream => {
        await stream.ensure([spec('demand', 3)])
        const error = await refused('ensure() with 5 partitions where there are 3', 'TOPIC_MISMATCH', () =>
          stream.ensure([spec('fresh'), spec('demand', 5)]),
        )
        for (const part of ['demand', '3', '5']) assert.ok(error.message.includes(part), `"${error.message}" must name ${part}.`)
        assert.deepEqual(
          (await stream.topics()).map(topic => topic.name),
          ['demand'],
          'Nothing of a refused ensure() is made.',
        )
      }),
    )

    it(
      'says that a topic or a partition is not there',
      over(async stream => {
        await stream.ensure([spec('demand', 2)])
        await refused('bounds() of an unknown topic', 'TOPIC_UNKNOWN', () => stream.bounds('other'))
        await refused('append() to an unknown topic', 'TOPIC_UNKNOWN', () => stream.append([batch('other', 0, ['x'])]))
        await refused('append() beyond the partitions', 'TOPIC_UNKNOWN', () =>
          stream.append([batch('demand', 0, ['x']), batch('demand', 2, ['x'])]),
        )
        assert.deepEqual(
          await stream.bounds('demand'),
          [
            { first: 0, next: 0 },
            { first: 0, next: 0 },
          ],
          'Nothing was appended.',
        )
      }),
    )
  })

  describe(`${name} as a stream: append and read`, () => {
    it(
      'gives back what was appended, in order, from offset 0 without gaps',
      over(async stream => {
        await stream.ensure([spec('demand', 2)])
        const one = await stream.append([batch('demand', 0, texts('a', 3))])
        const two = await stream.append([batch('demand', 0, texts('b', 2)), batch('demand', 1, texts('c', 1))])
        assert.deepEqual(one, [{ first: 0, count: 3, duplicates: [], taken: [] }])
        assert.deepEqual(
          two.map(appended => [appended.first, appended.count]),
          [
            [3, 2],
            [0, 1],
          ],
        )
        assert.deepEqual(await readAll(stream, 'demand', 0), ['a0', 'a1', 'a2', 'b0', 'b1'])
        assert.deepEqual(await readAll(stream, 'demand', 1), ['c0'])
        assert.deepEqual(await stream.bounds('demand'), [
          { first: 0, next: 5 },
          { first: 0, next: 1 },
        ])
      }),
    )

    it(
      'keeps every byte of every frame',
      over(async stream => {
        await stream.ensure([spec('frames')])
        const writer = new FrameWriter()
        const data = [Buffer.alloc(0), Buffer.from([0xff, 0xfe, 0, 0xc3, 0x28]), randomBytes(2_000_000), Buffer.from('é')]
        for (const [i, bytes] of data.entries()) {
          const id = Buffer.alloc(16, i + 1)
          const source = Buffer.from('générateur')
          writer.add({
            id,
            idAt: 0,
            supplied: false,
            source,
            createdMs: i,
            contentType: 'image/png',
            type: 'other',
            key: 'clé',
            parents: Buffer.alloc(32, i),
            data: bytes,
          })
        }
        const taken = writer.take()
        const sent = Buffer.from(taken.frames)
        await stream.append([{ topic: 'frames', partition: 0, ...taken }])
        const read = await stream.read('frames', 0, 0, 10_000_000)
        assert.equal(Buffer.compare(Buffer.from(read.frames), sent), 0, 'The frames read differ from the frames appended.')
        assert.equal(read.ascii, false)
      }),
    )

    it(
      'keeps batches whole and answers each caller, when many append to one partition at once',
      over(async stream => {
        await stream.ensure([spec('demand')])
        const callers = await Promise.all(
          Array.from({ length: 40 }, async (_, caller) => {
            const [appended] = await stream.append([batch('demand', 0, texts(`${caller}-`, 5))])
            return { caller, first: appended?.first ?? -1 }
          }),
        )
        const all = await readAll(stream, 'demand', 0)
        assert.equal(all.length, 200)
        for (const { caller, first } of callers) assert.deepEqual(all.slice(first, first + 5), texts(`${caller}-`, 5), `caller ${caller}`)
      }),
    )

    it(
      'keeps the order of one caller who does not wait',
      over(async stream => {
        await stream.ensure([spec('demand')])
        await Promise.all(Array.from({ length: 30 }, (_, i) => stream.append([batch('demand', 0, [`${i}`])])))
        assert.deepEqual(await readAll(stream, 'demand', 0), texts('', 30))
      }),
    )

    it(
      'reads whole batches from the one that holds an offset, about as much as asked and never less than one',
      over(async stream => {
        await stream.ensure([spec('demand')])
        for (let i = 0; i < 10; i++) await stream.append([batch('demand', 0, texts(`${i}.`, 10))])
        const inside = await stream.read('demand', 0, 37, 1)
        assert.ok(inside.first <= 37 && inside.first + inside.count > 37, `${inside.first} + ${inside.count} does not hold 37.`)
        assert.equal(dataOf(inside, 37)[0]?.text, '3.7')
        assert.ok(inside.count < 100, 'One byte was asked for and everything was given.')
        const everything = await stream.read('demand', 0, 0, 10_000_000)
        assert.equal(everything.count, 100, '10 MB were asked for, and a part was given.')
        assert.ok(everything.appendedMs > 0, 'A batch says when the oldest of it was appended.')
        assert.deepEqual(await readAll(stream, 'demand', 0, 55), (await readAll(stream, 'demand', 0)).slice(55))
      }),
    )

    it(
      'reads nothing at the end, without waiting',
      over(async stream => {
        await stream.ensure([spec('demand')])
        await stream.append([batch('demand', 0, ['x'])])
        const { first, count, appendedMs } = await stream.read('demand', 0, 1, 1_000)
        assert.deepEqual({ first, count, appendedMs }, { first: 1, count: 0, appendedMs: 0 })
      }),
    )

    it(
      'says of what it reads whether every byte is ASCII',
      over(async stream => {
        await stream.ensure([spec('demand', 2)])
        await stream.append([batch('demand', 0, ['plain']), batch('demand', 1, ['plain']), batch('demand', 1, ['é'])])
        const [plain, mixed] = [await stream.read('demand', 0, 0, 1e6), await stream.read('demand', 1, 0, 1e6)]
        assert.equal(plain.ascii, true)
        assert.equal(dataOf(mixed).at(-1)?.text, mixed.count === 2 ? 'é' : 'plain', 'A batch called ASCII held a byte beyond it.')
      }),
    )
  })

  describe(`${name} as a stream: copies`, () => {
    const sample = (text: string, id = ID, source = 'one') => ({ text, id, source, supplied: true })

    it(
      'refuses a supplied id that it has, or keeps every copy, as its capabilities say',
      over(async stream => {
        await stream.ensure([spec('demand')])
        await stream.append([batch('demand', 0, ['minted', sample('first')])])
        const [appended] = await stream.append([
          batch('demand', 0, [sample('again'), 'between', sample('stolen', ID, 'two'), sample('new', OTHER_ID), sample('twice', OTHER_ID)]),
        ])
        if (stream.capabilities.refusesCopies) {
          assert.deepEqual(appended, { first: 2, count: 2, duplicates: [0, 4], taken: [2] })
          assert.deepEqual(await readAll(stream, 'demand', 0), ['minted', 'first', 'between', 'new'])
        } else {
          assert.deepEqual(appended, { first: 2, count: 5, duplicates: [], taken: [] })
          assert.equal((await readAll(stream, 'demand', 0)).length, 7)
        }
      }),
    )

    it(
      'answers a batch of copies alone without an offset’s being given',
      over(async stream => {
        await stream.ensure([spec('demand', 2)])
        await stream.append([batch('demand', 0, [sample('first')])])
        const [again] = await stream.append([batch('demand', 0, [sample('again')])])
        const copies = stream.capabilities.refusesCopies ? 0 : 1
        assert.equal(again?.count, copies)
        assert.equal((await stream.bounds('demand'))[0]?.next, 1 + copies)
      }),
    )

    if (options.durable)
      it(
        'remembers across a restart',
        over(async (stream, under) => {
          await stream.ensure([spec('demand')])
          await stream.append([batch('demand', 0, [sample('first')])])
          const again = await under.reopen!()
          const [appended] = await again.append([batch('demand', 0, [sample('again')])])
          assert.deepEqual(appended?.duplicates, again.capabilities.refusesCopies ? [0] : [])
        }),
      )
  })

  streamGroupSuite({ describe, it }, name, options)

  describe(`${name} as a stream: the end`, () => {
    if (options.durable)
      it(
        'keeps what was acknowledged across a restart, and goes on from there',
        over(async (stream, under) => {
          await stream.ensure([spec('demand', 2)])
          await stream.append([batch('demand', 1, texts('before', 3))])
          const again = await under.reopen!()
          assert.deepEqual(
            (await again.topics()).map(topic => [topic.name, topic.partitions]),
            [['demand', 2]],
          )
          const [appended] = await again.append([batch('demand', 1, ['after'])])
          assert.equal(appended?.first, 3)
          assert.deepEqual(await readAll(again, 'demand', 1), ['before0', 'before1', 'before2', 'after'])
        }),
      )

    it(
      'refuses every call after close()',
      over(async stream => {
        await stream.ensure([spec('demand')])
        await stream.close()
        await refused('append() after close()', 'ENGINE_CLOSED', () => stream.append([batch('demand', 0, ['x'])]))
        await refused('read() after close()', 'ENGINE_CLOSED', () => stream.read('demand', 0, 0, 1))
        await refused('bounds() after close()', 'ENGINE_CLOSED', () => stream.bounds('demand'))
        await refused('topics() after close()', 'ENGINE_CLOSED', () => stream.topics())
        await refused('ensure() after close()', 'ENGINE_CLOSED', () => stream.ensure([spec('demand')]))
      }),
    )

    it(
      'makes durable what close() finds under way, or says that it did not',
      over(async stream => {
        await stream.ensure([spec('demand')])
        const appending = stream.append([batch('demand', 0, ['x'])]).then(
          () => 'stored',
          (error: { code?: string }) => error.code,
        )
        await stream.close()
        assert.ok(['stored', 'ENGINE_CLOSED', 'APPEND_UNKNOWN'].includes((await appending) ?? ''), `It said ${await appending}.`)
      }),
    )
  })
}
