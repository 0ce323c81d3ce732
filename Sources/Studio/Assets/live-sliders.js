// Sliders of a show and its pad. A value that a page shows is the one that was sent; a sound adds to it.
import { make, word } from './api.js'

const shown = value => (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0)).replace('-', '−')

export class Sliders {
  constructor(page) {
    this.page = page
    this.box = page.bit('sliders')
    this.pad = page.bit('pad')
    this.values = {}
    this.tracks = []
    for (const axis of ['pad-x', 'pad-y']) page.bit(axis).addEventListener('change', () => this.dot())
    this.pad.addEventListener('pointerdown', event => { this.pad.setPointerCapture(event.pointerId); this.press(event) })
    this.pad.addEventListener('pointermove', event => { if (this.pad.hasPointerCapture(event.pointerId)) this.press(event) })
    this.pad.addEventListener('keydown', event => this.arrow(event))
  }

  take(show) {
    const isSame = this.tracks.map(track => track.name).join() === show.tracks.map(track => track.name).join()
    this.tracks = show.tracks
    this.values = { ...show.values }
    this.rows = new Map()
    this.box.replaceChildren(...show.tracks.map(track => this.row(track)))
    for (const [axis, standard] of [['pad-x', 'place'], ['pad-y', show.tracks.find(track => track.isSlider)?.name ?? 'truncation']]) {
      const select = this.page.bit(axis), before = select.value
      select.replaceChildren(...show.tracks.map(track => make('option', { value: track.name, textContent: this.label(track.name) })))
      select.value = isSame && before ? before : standard
    }
    this.dot()
  }

  label(name) { const key = `live.track.${name}`, known = word(key); return known === key ? name : known }

  row(track) {
    const input = make('input', { type: 'range', min: track.low, max: track.high, step: 'any', value: this.values[track.name] ?? track.standard })
    const output = make('output', {}, shown(+input.value))
    const back = make('button', { type: 'button', className: 'reset', title: word('live.reset'), ariaLabel: `${word('live.reset')}: ${this.label(track.name)}`, textContent: '↺' })
    const label = make('label', {}, make('span', {}, this.label(track.name)), input, output)
    input.addEventListener('input', () => this.set({ [track.name]: +input.value }))
    // A range without steps has arrow keys that do nothing in some browsers.
    input.addEventListener('keydown', event => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key]
      if (!way) return
      event.preventDefault()
      this.set({ [track.name]: Math.min(track.high, Math.max(track.low, +input.value + way * (track.high - track.low) / 100)) })
    })
    for (const name of ['pointerdown', 'focus']) input.addEventListener(name, () => this.page.knobs.touch(track))
    back.addEventListener('click', () => this.set({ [track.name]: track.standard }))
    const row = make('div', { className: 'slider', data: { track: track.name } }, label, back)
    this.rows.set(track.name, { input, output, row })
    return row
  }

  /** By hand: shown here, sent, and kept by a loop that is recorded. */
  set(tracks, isPlayed = false) {
    this.show(tracks)
    if (!isPlayed) this.page.keys.note(tracks)
    this.page.move(this.page.sound.added(tracks))
  }

  show(tracks) {
    for (const [name, value] of Object.entries(tracks)) {
      this.values[name] = value
      const row = this.rows?.get(name)
      if (!row) continue
      row.input.value = value
      row.output.textContent = shown(value)
    }
    this.dot()
  }

  /** Where the path has come to; round and round on the slider. */
  went(place) {
    const track = this.tracks.find(track => track.name === 'place'), row = this.rows?.get('place')
    if (!row) return
    this.values.place = place
    if (this.page.isTelling && document.activeElement === row.input) return
    const round = place > track.high || place < 0 ? ((place % track.high) + track.high) % track.high : place
    row.input.value = round
    row.output.textContent = shown(round)
    this.dot()
  }

  // The pad

  axes() { return ['pad-x', 'pad-y'].map(axis => this.tracks.find(track => track.name === this.page.bit(axis).value)) }

  dot() {
    const [x, y] = this.axes()
    if (!x || !y) return
    const part = track => {
      const value = this.values[track.name] ?? track.standard, length = track.high - track.low
      const inside = track.name === 'place' && value > track.high ? value % track.high : value
      return Math.min(1, Math.max(0, (inside - track.low) / length))
    }
    // A style sheet can't know it, and the policy allows no style in the page: a property set by a script is neither.
    const dot = this.pad.firstElementChild
    dot.style.left = `${part(x) * 100}%`
    dot.style.top = `${(1 - part(y)) * 100}%`
  }

  press(event) {
    if (!this.page.show) return
    const box = this.pad.getBoundingClientRect()
    this.to((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height)
  }

  to(right, up) {
    const [x, y] = this.axes(), within = part => Math.min(1, Math.max(0, part))
    this.set({ [x.name]: x.low + within(right) * (x.high - x.low), [y.name]: y.low + within(up) * (y.high - y.low) })
  }

  arrow(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    if (!way || !this.page.show) return
    event.preventDefault()
    const parts = this.axes().map(track => ((this.values[track.name] ?? track.standard) - track.low) / (track.high - track.low))
    this.to(parts[0] + way[0] / 40, parts[1] + way[1] / 40)
  }
}
