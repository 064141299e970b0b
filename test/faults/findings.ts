/** Enough to see what went wrong. */
const MOST_FINDINGS = 20

/** What is wrong, each as a sentence that names ids and places; empty where nothing is lost and nothing doubled. */
export type Findings = string[]

export function shortened(findings: Findings): Findings {
  if (findings.length <= MOST_FINDINGS) return findings
  return [...findings.slice(0, MOST_FINDINGS), `and ${findings.length - MOST_FINDINGS} more`]
}
