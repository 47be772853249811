// What a row of issue 6 demands; of the ratio where there is a baseline, else of the figure itself.
export const atLeast = (limit) => ({ text: `≥ ${limit}`, met: (value) => value >= limit })
export const atMost = (limit, unit = '') => ({ text: `≤ ${limit.toLocaleString('en')}${unit}`, met: (value) => value <= limit })
