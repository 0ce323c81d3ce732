// Keys 1 to 9 keep how everything stands and bring it back; a loop plays again what the hands did.
import { make, word } from './api.js'

export class Keys {
  constructor(page) {
    this.page = page
    this.box = page.bit('snapshots')
    this.kept = {}
    this.buttons = Array.from({ length: 9 }, (_, at) => {
      const button = make('button', { type: 'button', className: 'key', textContent: at + 1, ariaPressed: false })
      button.addEventListener('click', event => event.shiftKey ? this.keep(at + 1) : this.recall(at + 1))
      return button
    })
    this.box.append(...this.buttons)
    page.button('loop').addEventListener('click', () => this.loop())
    addEventListener('keydown', event => this.key(event))
  }

  take(show) {
    this.name = `live/${show.run}`
    try { this.kept = JSON.parse(localStorage.getItem(this.name)) ?? {} } catch { this.kept = {} }
    this.draw()
  }

  draw() {
    this.buttons.forEach((button, at) => {
      button.classList.toggle('kept', this.kept[at + 1] != null)
      button.title = word(this.kept[at + 1] ? 'live.key.kept' : 'live.key.free', at + 1)
    })
  }

  key(event) {
    if (!this.page.show || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== 'range') return
    const digit = /^Digit([1-9])$/.exec(event.code)?.[1]
    if (digit) { event.preventDefault(); event.shiftKey ? this.keep(digit) : this.recall(digit) }
    if (event.key === 'l') this.loop()
    if (event.key === 'r') this.page.record()
  }

  keep(digit) {
    this.kept[digit] = { ...this.page.sliders.values }
    localStorage.setItem(this.name, JSON.stringify(this.kept))
    this.draw()
  }

  /** Glides to what was kept; a key that keeps nothing goes to the picture of its number. */
  recall(digit) {
    const known = new Set(this.page.sliders.tracks.map(track => track.name))
    const all = this.kept[digit] ?? { place: Math.min(digit - 1, this.page.show.seeds.length - 1) }
    const to = Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name)))
    const from = { ...this.page.sliders.values }, seconds = +this.page.bit('glide').value, begun = performance.now()
    clearInterval(this.gliding)
    const step = () => {
      const t = seconds ? Math.min(1, (performance.now() - begun) / 1000 / seconds) : 1, eased = t * t * (3 - 2 * t)
      this.page.sliders.set(Object.fromEntries(Object.entries(to).map(([name, value]) => [name, (from[name] ?? value) + (value - (from[name] ?? value)) * eased])))
      if (t === 1) clearInterval(this.gliding)
    }
    this.gliding = setInterval(step, 30)
    step()
  }

  // Loops: press, move, press: it goes round until it is pressed again.

  note(tracks) { if (this.taking) this.taking.events.push({ at: performance.now() - this.taking.begun, tracks }) }

  loop() {
    const button = this.page.button('loop')
    if (this.playing) this.stop()
    else if (this.taking) {
      const { events, begun } = this.taking
      this.taking = null
      if (!events.length) { this.stop(); return }
      this.play(events, performance.now() - begun)
    } else {
      this.taking = { begun: performance.now(), events: [] }
      button.textContent = word('live.loop.taking')
    }
    button.setAttribute('aria-pressed', Boolean(this.taking || this.playing))
  }

  play(events, length) {
    let next = 0, round = performance.now()
    this.page.button('loop').textContent = word('live.loop.playing')
    this.playing = setInterval(() => {
      const now = performance.now() - round, due = {}
      while (next < events.length && events[next].at <= now) Object.assign(due, events[next++].tracks)
      if (Object.keys(due).length) this.page.sliders.set(due, true)
      if (now >= length) { round += length; next = 0 }
    }, 25)
  }

  stop() {
    clearInterval(this.playing)
    clearInterval(this.gliding)
    this.playing = this.taking = null
    this.page.button('loop').textContent = word('live.loop')
    this.page.button('loop').setAttribute('aria-pressed', false)
  }
}
