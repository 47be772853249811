// The platform's own clock: tokens, windows, quotas and codes go by it. Pushes carry the real time, because the
// server's clock is another one.
const BEIJING_MS = 8 * 3600 * 1000

export class Clock {
  constructor() { Object.assign(this, { aheadMs: 0, jobs: new Set() }) }

  now() { return Date.now() + this.aheadMs }
  seconds() { return Math.floor(this.now() / 1000) }
  // The platform counts by days and months of Beijing.
  day() { return new Date(this.now() + BEIJING_MS).toISOString().slice(0, 10) }
  month() { return this.day().slice(0, 7) }

  // Work that ends after a while: by itself, or when the clock is moved past its end.
  after(ms, work) {
    const job = { due: this.now() + ms, work: () => this.jobs.delete(job) && work() }
    this.jobs.add(job)
    setTimeout(job.work, ms).unref()
  }

  advance(seconds) {
    this.aheadMs += seconds * 1000
    for (const job of [...this.jobs]) if (job.due <= this.now()) job.work()
  }
}
