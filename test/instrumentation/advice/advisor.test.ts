import { describe, expect, it } from 'vitest'
import { Advisor } from '../../../src/instrumentation/advice/advisor.ts'
import type { AgentLoad } from '../../../src/instrumentation/advice/load.ts'

const LOOK_MS = 2_000

/** Four partitions that bring 300 data a second; one replica does 200. */
function loadOf(own: Partial<AgentLoad> = {}, backlog = 3_100): AgentLoad {
  return {
    agent: 'forecast@2',
    state: 'healthy',
    stateWords: 'healthy',
    replicas: 1,
    mostReplicas: 1,
    isStore: false,
    shared: false,
    partitions: Array.from({ length: 4 }, (_, partition) => ({
      topic: 'demand',
      partition,
      arrivalPerSecond: 75,
      backlog: backlog / 4,
      lagMs: 10_000,
    })),
    handledPerSecond: 200,
    secondsPerDatum: 0.005,
    busy: 1,
    computing: 0.95,
    processors: 8,
    lagMs: 10_000,
    ...own,
  }
}

/** Nothing waits. */
const calm = (own: Partial<AgentLoad> = {}) => loadOf({ busy: 0.4, lagMs: 0, ...own }, 0)

class Scene {
  readonly advisor = new Advisor()
  nowMs = Date.UTC(2026, 10, 26, 10, 0)

  /** So it is for so long. */
  see(load: AgentLoad, seconds: number): void {
    for (const endMs = this.nowMs + seconds * 1_000; this.nowMs < endMs; this.nowMs += LOOK_MS)
      this.advisor.note(this.nowMs, [load], undefined)
  }

  get words(): readonly string[] {
    return this.advisor.read().advice.map(({ words }) => words)
  }
}

describe('advice', () => {
  it('is one sentence with the arithmetic, what was measured, and what to do', () => {
    const scene = new Scene()
    scene.see(loadOf(), 40)
    expect(scene.advisor.read().advice).toEqual([
      {
        decision: 'add_replicas',
        cause: 'load',
        about: 'forecast@2',
        words:
          'forecast@2 is 100 % busy on its fullest partition and 3,100 data behind, with 1 replica: 2 keep up with what arrives, 4 clear the backlog in 30 s.',
        arithmetic: 'ceil((300/s + 3,100 / 30 s) / (200/s × 0.8)) = 3; 4, since partitions are shared out whole',
        evidence: {
          arrival_per_second: 300,
          handled_per_second: 200,
          lag: 3_100,
          lag_seconds: 10,
          replicas: 1,
          partitions: 4,
          busy_share: 1,
          computing_share: 0.95,
          seconds_per_datum: 0.005,
        },
        steps: [
          'in the pipeline, of forecast@2: replicas: { min: 2, max: 4 }',
          'or on Kafka, in another process: millrace start <file> --role agents --agents forecast',
        ],
        manifest: [
          '# Values of the Helm chart. A list replaces the one before it: add this entry to yours, and no other entry may run the agent.',
          'keda: { enabled: true }',
          'agents:',
          '  - name: forecast-2',
          '    agents: ["forecast@2"]',
          '    replicas: { min: 2, max: 4 }',
          '    reads:',
          '      - { agent: "forecast@2", topic: "demand", partitions: 4, capacity: 200 }',
          '',
        ].join('\n'),
        sinceMs: Date.UTC(2026, 10, 26, 10, 0, 20),
      },
    ])
  })

  it('says how many replicas the machine has processors for, where more would be needed', () => {
    const scene = new Scene()
    scene.see(loadOf({ processors: 2 }), 40)
    expect(scene.words).toEqual([
      expect.stringMatching(
        /4 clear the backlog in 30 s\. This machine's 2 processors have room for 2 at most: the others belong on another machine, which takes Kafka\.$/,
      ),
    ])
  })

  it('is given when it has been called for all the time for 20 s, and taken back when it has not been for 30 s', () => {
    const scene = new Scene()
    scene.see(loadOf(), 20)
    expect(scene.words).toEqual([])
    scene.see(calm(), 4)
    scene.see(loadOf(), 20)
    expect(scene.words, 'it begins anew').toEqual([])
    scene.see(loadOf(), 4)
    expect(scene.words).toHaveLength(1)
    scene.see(calm(), 28)
    expect(scene.words).toHaveLength(1)
    scene.see(calm(), 6)
    expect(scene.words).toEqual([])
  })

  it('is not given to an agent that gives itself as many replicas', () => {
    const scene = new Scene()
    scene.see(loadOf({ mostReplicas: 4 }), 60)
    expect(scene.words).toEqual([])
  })

  it('that was followed and helped is said to have helped, with the lag before and after', () => {
    const scene = new Scene()
    scene.see(loadOf(), 40)
    scene.see(loadOf({ replicas: 4 }), 2)
    expect(scene.words, 'what was done has not shown yet').toEqual([])
    scene.see(loadOf({ replicas: 4, busy: 0.4, lagMs: 200 }, 40), 60)
    expect(scene.advisor.read()).toMatchObject({
      advice: [],
      followed: [
        {
          about: 'forecast@2',
          decision: 'add_replicas',
          helped: true,
          lagBefore: 3_100,
          lagAfter: 40,
          words: 'forecast@2: done 10:00 UTC; lag 3,100 → 40: it helped.',
        },
      ],
    })
  })

  it('is to look for another limit where more replicas have not helped', () => {
    const scene = new Scene()
    scene.see(loadOf(), 40)
    const more = loadOf({ replicas: 2, handledPerSecond: 200, secondsPerDatum: 0.01 }, 9_000)
    scene.see(more, 62)
    expect(scene.advisor.read().followed.map(({ words }) => words)).toEqual([
      'forecast@2: done 10:00 UTC; lag 9,000 → 9,000: it did not help.',
    ])
    scene.see(more, 30)
    expect(scene.advisor.read().advice).toMatchObject([{ decision: 're_engineer', cause: 'no_gain' }])
  })

  it('about a version is followed by the version that takes its place', () => {
    const scene = new Scene()
    scene.see(calm(), 120)
    scene.see(loadOf({ secondsPerDatum: 0.05, handledPerSecond: 20 }), 40)
    expect(scene.advisor.read().advice).toMatchObject([{ decision: 're_engineer', cause: 'slow_handler' }])
    scene.see(calm({ agent: 'forecast@3' }), 70)
    expect(scene.advisor.read()).toMatchObject({ advice: [], followed: [{ about: 'forecast@2', decision: 're_engineer', helped: true }] })
  })

  it('says what is to be mended where replicas would not help', () => {
    const scene = new Scene()
    scene.see(loadOf({ state: 'blocked', stateWords: 'blocked on PostgreSQL for 42 s', secondsPerDatum: undefined }), 40)
    expect(scene.words).toEqual([
      'forecast@2 is blocked on PostgreSQL for 42 s: 3,100 data wait for that, and no number of replicas helps.',
    ])
  })
})
