import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentValues } from '../../src/instrumentation/advice/chart-values.ts'
import { render } from './chart.ts'
import { named, ofKind } from './workload.ts'

describe('values that advice gives', () => {
  it('make a Deployment of the agent’s own, scaled by its lag and by what a replica was measured to do', () => {
    const partitions = Array.from({ length: 8 }, (_, partition) => ({
      topic: 'demand',
      partition,
      arrivalPerSecond: 75,
      backlog: 0,
      lagMs: 0,
    }))
    const folder = mkdtempSync(join(tmpdir(), 'millrace-advice-'))
    const file = join(folder, 'values.yaml') as `/${string}` // a temporary folder's path is absolute
    try {
      writeFileSync(file, agentValues({ agent: 'forecast@2', partitions, min: 2, max: 4, capacityPerSecond: 200.4 }))
      const manifests = render(file, ['stream.url="kafka://kafka-1:9092"', 'trace.url="redis://redis:6379"', 'pipeline.name="grid"'])
      const scaled = ofKind(manifests, 'ScaledObject')
      expect(scaled.map(({ spec }) => [spec.scaleTargetRef.name, spec.minReplicaCount, spec.maxReplicaCount])).toEqual([
        ['grid-millrace-agents-forecast-2', 2, 4],
      ])
      expect(scaled[0]!.spec.triggers[0].metadata).toMatchObject({
        consumerGroup: 'millrace.grid.forecast@2',
        topic: 'demand',
        lagThreshold: '4200',
      })
      expect(named(manifests, 'Deployment', 'grid-millrace-agents-forecast-2')).toBeDefined()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
