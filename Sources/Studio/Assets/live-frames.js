// Frames of a show: a stream in which each is a line of JSON and then its bytes, as `atelier live` writes them.
import { word } from './api.js'

/** Reads a stream of frames to its end: each is told with its head, its pixels, and whether another came with it. */
export async function readFrames(reader, hear) {
  let held = new Uint8Array(1 << 16), filled = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (filled + value.length > held.length) {
      const larger = new Uint8Array(Math.max(held.length * 2, filled + value.length))
      larger.set(held.subarray(0, filled))
      held = larger
    }
    held.set(value, filled)
    filled += value.length
    const found = []
    let from = 0
    for (;;) {
      const end = held.subarray(from, filled).indexOf(10)
      if (end < 0) break
      const head = JSON.parse(new TextDecoder().decode(held.subarray(from, from + end)))
      if (from + end + 1 + head.bytes > filled) break
      found.push({ head, pixels: held.subarray(from + end + 1, from + end + 1 + head.bytes) })
      from += end + 1 + head.bytes
    }
    found.forEach(({ head, pixels }, at) => hear(head, pixels, at === found.length - 1))
    held.copyWithin(0, from, filled)
    filled -= from
  }
}

/** Writes a frame's pixels, of 1 to 4 channels, into an ImageData of its size. */
export function fill(image, channels, pixels) {
  const out = image.data, hasColour = channels > 2, hasAlpha = channels % 2 === 0
  for (let at = 0, to = 0; to < out.length; at += channels, to += 4) {
    out[to] = pixels[at]
    out[to + 1] = pixels[hasColour ? at + 1 : at]
    out[to + 2] = pixels[hasColour ? at + 2 : at]
    out[to + 3] = hasAlpha ? pixels[at + channels - 1] : 255
  }
  return image
}

export class Frames {
  constructor(page) {
    this.page = page
    this.canvas = page.bit('canvas')
    this.context = this.canvas.getContext('2d')
    this.times = []
    this.answers = new Map()
    this.latencies = []
    setInterval(() => this.facts(), 500)
  }

  async watch(id) {
    this.leave()
    const leaving = this.leaving = new AbortController()
    try {
      const answer = await fetch(`/api/live/${id}/frames`, { signal: leaving.signal })
      if (answer.ok) await this.read(answer.body.getReader())
    } catch (error) { if (error.name !== 'AbortError') console.info(error.message) }
    // A server that was opened anew has no show any more.
    if (!leaving.signal.aborted && this.page.show?.id === id) this.page.left(word('gone'))
  }

  leave() { this.leaving?.abort() }

  // Only the newest of those that came at once is worth drawing.
  read(reader) {
    return readFrames(reader, (head, pixels, isNewest) => {
      this.count(head)
      if (isNewest) this.draw(head, pixels)
    })
  }

  draw({ width, height, channels, place }, pixels) {
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      this.canvas.width = width
      this.canvas.height = height
      this.canvas.style.aspectRatio = `${width} / ${height}`
      this.image = this.context.createImageData(width, height)
    }
    this.context.putImageData(fill(this.image, channels, pixels), 0, 0)
    this.page.sliders.went(place)
  }

  // How quick it is

  count(head) {
    const now = performance.now()
    this.total = (this.total ?? 0) + 1
    this.times.push(now)
    if (this.times.length > 200) this.times.shift()
    // The first frame that knows of a line shows what it did.
    if (!this.answers.has(head.answers)) this.answers.set(head.answers, now)
    if (this.answers.size > 500) this.answers.delete(this.answers.keys().next().value)
    this.answered = Math.max(this.answered ?? 0, head.answers)
    this.measure()
  }

  /** A slider was moved now; the line that says so has no number yet. */
  moved() { this.since ??= performance.now() }
  told(line) {
    if (this.since == null) return
    this.asked = { line, since: this.since }
    this.since = null
    this.measure()
  }

  measure() {
    if (!this.asked || (this.answered ?? 0) < this.asked.line) return
    const shown = [...this.answers].filter(([line]) => line >= this.asked.line).map(([, time]) => time)
    this.latencies.push(Math.min(...shown) - this.asked.since)
    if (this.latencies.length > 50) this.latencies.shift()
    this.asked = null
  }

  get rate() {
    const now = performance.now()
    return this.times.filter(time => time > now - 1000).length
  }

  get latency() {
    const sorted = [...this.latencies].sort((a, b) => a - b)
    return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null
  }

  facts() {
    if (!this.page.show) return
    const words = [this.rate ? word('live.rate', this.rate) : word('live.still')]
    if (this.latency != null) words.push(word('live.latency', Math.round(this.latency)))
    words.push(`${this.canvas.width} × ${this.canvas.height}`)
    this.page.bit('facts').textContent = words.join(' · ')
  }
}
