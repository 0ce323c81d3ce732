// A map of seeds: small pictures of a generator, drawn at once by a show; those that are clicked go into the form.
import { api, make, word } from './api.js'
import { fill, readFrames } from './live-frames.js'

const across = 8, count = 40

customElements.define('seed-map', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.form = this.closest('form')
    this.first = 0
    this.querySelector('details').addEventListener('toggle', event => { if (event.target.open && !this.run) this.draw() })
    this.querySelector('[data-do=more]').addEventListener('click', () => { this.first += count; this.draw() })
    this.form.elements.run.addEventListener('change', () => this.fit())
    this.bit('tiles').addEventListener('click', event => { const tile = event.target.closest('button'); if (tile) this.choose(tile) })
    this.bit('tiles').addEventListener('keydown', event => this.step(event))
    this.fit()
  }

  /** Only generators that are played have a map. */
  fit() {
    const { value } = this.form.elements.run
    this.hidden = !JSON.parse(this.dataset.makers).includes(value)
    if (this.run && this.run !== value) { this.first = 0; if (this.querySelector('details').open && !this.hidden) this.draw(); else this.run = null }
  }

  async draw() {
    const says = this.bit('says'), run = this.run = this.form.elements.run.value, seeds = Array.from({ length: count }, (_, at) => this.first + at)
    const turn = this.turn = Symbol()
    says.textContent = word('map.drawing')
    const tiles = seeds.map(seed => make('button', { type: 'button', className: 'seed', title: word('map.seed', seed), ariaLabel: word('map.seed', seed), ariaPressed: this.chosen.includes(seed), data: { seed } }, make('canvas', { width: 1, height: 1 })))
    this.bit('tiles').replaceChildren(...tiles)
    const leaving = new AbortController()
    let show
    try {
      show = await api('POST', '/api/live', { run, seeds: seeds.join(',') })
      const answer = await fetch(`/api/live/${show.id}/frames`, { signal: leaving.signal })
      if (!answer.ok) throw new Error(word('gone'))
      let newest, arrived
      readFrames(answer.body.getReader(), (head, pixels) => {
        if (!head.bytes) return
        newest = { head, pixels: pixels.slice() }
        arrived?.()
      }).catch(() => {})
      for (const [place, tile] of tiles.entries()) {
        if (this.turn !== turn) break
        // Once more where it stands, so that there is a frame for the first as well.
        const { line } = await api('POST', `/api/live/${show.id}`, { tracks: { place: place || count } })
        // The frame may be here before the answer that says which it is.
        while (!(newest?.head.answers >= line)) await new Promise((found, failed) => {
          arrived = found
          setTimeout(() => failed(new Error(word('gone'))), 60000)
        })
        const { head, pixels } = newest
        const canvas = tile.firstElementChild
        Object.assign(canvas, { width: head.width, height: head.height })
        const context = canvas.getContext('2d')
        context.putImageData(fill(context.createImageData(head.width, head.height), head.channels, pixels), 0, 0)
        tile.dataset.isDrawn = true
      }
      if (this.turn === turn) says.textContent = ''
    } catch (error) { if (this.turn === turn) says.textContent = error.message }
    leaving.abort()
    if (show) api('POST', `/api/live/${show.id}/stop`).catch(() => {})
  }

  /** The seeds of the form that are chosen here; what the form began with isn't. */
  get chosen() { return this.isChosen ? this.form.elements.seeds.value.split(',').map(Number) : [] }

  choose(tile) {
    const seed = +tile.dataset.seed, isOn = tile.ariaPressed !== 'true'
    const seeds = this.chosen.filter(other => other !== seed)
    if (isOn) seeds.push(seed)
    tile.ariaPressed = isOn
    this.isChosen = seeds.length > 0
    this.form.elements.seeds.value = seeds.length ? seeds.join(',') : '0-15'
    const walk = this.bit('walk')
    walk.hidden = seeds.length < 2
    walk.href = `/live?run=${encodeURIComponent(this.run)}&seeds=${seeds.join(',')}`
  }

  step(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key]
    const tiles = [...this.bit('tiles').children], next = tiles[tiles.indexOf(document.activeElement) + way]
    if (!way || !next) return
    event.preventDefault()
    next.focus()
  }
})
