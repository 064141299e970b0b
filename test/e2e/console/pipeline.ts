import { agent, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'

const reading = topic('reading', z.object({ sensor: z.string(), celsius: z.number() }), { key: r => r.sensor })
const kelvin = topic('kelvin', z.object({ sensor: z.string(), kelvin: z.number() }))

/** Fails as a handler does that meets what nobody thought of. */
function checked(celsius: number): number {
  if (celsius < -273.15) throw new RangeError(`${celsius} °C is colder than can be`)
  return celsius + 273.15
}

const calibrate = agent('calibrate', { version: 1, from: reading, to: kelvin, retry: { attempts: 1 } }, r => ({
  sensor: r.sensor,
  kelvin: checked(r.celsius),
}))

const rounded = agent('calibrate', { version: 2, shadow: true, from: reading, to: kelvin, retry: { attempts: 1 } }, r => ({
  sensor: r.sensor,
  kelvin: Math.round(checked(r.celsius)),
}))

const lake = storageAgent('lake', { version: 1, from: [kelvin], to: files('./lake') })

export default pipeline('sensors', { agents: [calibrate, rounded, lake], slo: [{ from: reading, to: kelvin, within: '10s', share: 0.9 }] })
