// The platform's own clock: tokens, windows, quotas and codes go by it. Pushes carry the real time, because the
// server's clock is another one.
const BEIJING_MS = 8 * 3600 * 1000

export class Clock {
  constructor() { this.aheadMs = 0 }

  now() { return Date.now() + this.aheadMs }
  seconds() { return Math.floor(this.now() / 1000) }
  // The platform counts by days and months of Beijing.
  day() { return new Date(this.now() + BEIJING_MS).toISOString().slice(0, 10) }
  month() { return this.day().slice(0, 7) }
  advance(seconds) { this.aheadMs += seconds * 1000 }
}
