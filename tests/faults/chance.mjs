// Chance that repeats: the same seed and name draw the same numbers, whatever else draws from others.
export function chance(seed, name = '') {
  let state = 2166136261
  for (const letter of `${seed}/${name}`) state = Math.imul(state ^ letter.codePointAt(0), 16777619)
  const next = () => { // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low, high) => Math.floor(low + next() * (high - low + 1))
  return {
    between,
    pick: (list) => list[between(0, list.length - 1)],
    // [{weight, …}]: one of them, the heavier the likelier.
    weighed(list) {
      let left = next() * list.reduce((sum, { weight }) => sum + weight, 0)
      return list.find(({ weight }) => (left -= weight) < 0) ?? list.at(-1)
    }
  }
}
