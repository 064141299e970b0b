const SHADOW = '_shadow.'

/** A group as people say it: `_shadow.forecast@2` is the agent forecast, shown as "forecast@2 (shadow)" and typed as forecast@2. */
export function shownGroup(group: string): { readonly name: string; readonly typed: string; readonly shown: string } {
  const isShadow = group.startsWith(SHADOW)
  const typed = isShadow ? group.slice(SHADOW.length) : group
  const name = typed.slice(0, typed.lastIndexOf('@'))
  return { name, typed, shown: isShadow ? `${typed} (shadow)` : typed }
}

/** A group as it is typed into a command: by its name in the engine where another of the same name and version is there, such as a shadow beside the live one. */
export function typedAmong(group: string, groups: readonly string[]): string {
  const { typed } = shownGroup(group)
  return groups.some(other => other !== group && shownGroup(other).typed === typed) ? group : typed
}
