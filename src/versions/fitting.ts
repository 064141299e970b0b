import { shadowName } from '../agents/shadow.ts'
import type { Pipeline } from '../pipeline.ts'
import { decided } from './decided.ts'
import type { Versions } from './fold.ts'

/** What was decided of a group, and the declaration excludes. */
export interface Unfit {
  readonly group: string
  /** The graph would be invalid with it. */
  readonly cause: unknown
}

export interface Fitting {
  /** The graph with what can be followed. */
  readonly running: Pipeline
  /** What can be followed: the same object where everything can. */
  readonly versions: Versions
  readonly unfit: readonly Unfit[]
}

/**
 * The graph that runs where the declaration may exclude some of what was decided, for the file may be another by now than the one that was
 * decided on. What it excludes is as if it had never been decided, and everything else is followed: a pipeline that refused to start would do
 * no work at all. Nothing is missed or doubled by it: a place that another version has taken over meanwhile is the engine's to refuse.
 */
export function fitting(declared: Pipeline, versions: Versions): Fitting {
  const unfit: Unfit[] = []
  for (let left = versions; ; ) {
    try {
      return { running: decided(declared, left), versions: left, unfit }
    } catch (cause) {
      const groups = [...left.ended.keys(), ...left.promoted.keys()].reverse()
      const [latest] = groups
      // Then it is the declaration's own fault.
      if (latest === undefined) throw cause
      const group = groups.find(each => isValid(declared, without(left, each))) ?? latest
      unfit.push({ group, cause })
      left = without(left, group)
    }
  }
}

function isValid(declared: Pipeline, versions: Versions): boolean {
  try {
    decided(declared, versions)
    return true
  } catch {
    // Why is said where it is thrown for all that is left.
    return false
  }
}

function without(versions: Versions, group: string): Versions {
  const [promoted, ended] = [new Map(versions.promoted), new Map(versions.ended)]
  // A shadow that is not promoted has not ended by that.
  if (promoted.delete(group)) ended.delete(shadowName(group))
  else ended.delete(group)
  return { ...versions, promoted, ended }
}
