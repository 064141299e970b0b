import { MillraceError } from '../../../errors.ts'

/** What Kafka takes in a topic's name. */
export const namePattern = /^[a-zA-Z0-9._-]+$/
const MAX_NAME = 249
const OWN = 'millrace.'

/**
 * What topics and groups are called in the cluster. A topic of the pipeline's declaration keeps its name, behind the prefix; what is
 * Millrace's own carries the pipeline's name, so that pipelines share a cluster.
 */
export class Names {
  readonly #prefix: string
  readonly #own: string

  constructor(prefix: string, pipeline: string) {
    this.#prefix = prefix
    this.#own = `${prefix}${OWN}${pipeline}.`
  }

  /**
   * `demand` → `<prefix>demand`; internal `_replay.mood@2` → `<prefix>millrace.<pipeline>.replay.mood.2`. No two topics meet: a
   * version is digits, and stands last. Only shadows' have the topic's name behind it, and whoever reads those goes by their source.
   * @throws CONFIG_INVALID where the cluster could not hold such a name.
   */
  topic(name: string): string {
    if (!name.startsWith('_')) {
      if (name.startsWith(OWN)) throw unusable(name, `names beginning with "${OWN}" are kept for what Millrace itself writes`)
      return checked(name, this.#prefix + name)
    }
    return checked(name, this.#own + name.slice(1).replaceAll('@', '.'))
  }

  group(name: string): string {
    return this.#own + name
  }

  /** {@link group}'s inverse; undefined for the groups of others. */
  groupOf(kafkaGroup: string): string | undefined {
    return kafkaGroup.startsWith(this.#own) ? kafkaGroup.slice(this.#own.length) : undefined
  }
}

function checked(name: string, kafkaName: string): string {
  if (kafkaName.length > MAX_NAME) throw unusable(name, `it would be called ${kafkaName}, and Kafka takes ${MAX_NAME} characters`)
  if (!namePattern.test(kafkaName))
    throw unusable(name, `it would be called ${kafkaName}, and Kafka takes letters, digits, ".", "_" and "-"`)
  return kafkaName
}

function unusable(name: string, why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `The topic ${name} cannot be a Kafka topic: ${why}.`, { fix: 'Give it another name.' })
}
