// A film: keys from favourites on a line of time, a preview, the film itself.
import { api, make, word } from './api.js'
import { FilmSound } from './film-sound.js'
import { Following } from './picking.js'

customElements.define('film-page', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.form = this.bit('form')
    this.keys = []
    this.fields = ['truncation', 'zoom', 'turn'].map(name => this.bit(name))
    for (const field of this.fields) field.addEventListener('input', () => { field.nextElementSibling.textContent = field.dataset.part === 'turn' ? field.value : (+field.value).toFixed(2) })
    this.bit('favourites').addEventListener('click', event => {
      const button = event.target.closest('button')
      if (button) this.add(+button.dataset.seed, button.dataset.id)
    })
    this.form.elements.run.addEventListener('change', () => this.offer())
    this.form.addEventListener('submit', event => event.preventDefault())
    this.form.elements.seconds.addEventListener('change', () => this.setSeconds(this.seconds))
    this.sound = new FilmSound(this)
    this.addEventListener('click', event => {
      const name = event.target.closest('[data-do]')?.dataset.do
      if (name === 'add') this.add(+this.bit('seed').value)
      if (name === 'preview') this.begin(true)
      if (name === 'film') this.begin(false)
    })
    this.following = new Following(this, ([picture]) => this.show(picture))
    const wanted = new URLSearchParams(location.search)
    const first = this.querySelector('[data-part=favourites] button')
    if (!wanted.get('run') && first && [...this.form.elements.run.options].some(option => option.value === first.dataset.run)) this.form.elements.run.value = first.dataset.run
    this.offer()
  }

  get seconds() { return Math.min(600, Math.max(1, +this.form.elements.seconds.value || 8)) }

  setSeconds(seconds) {
    this.form.elements.seconds.value = seconds
    if (!this.isMoved) this.spread()
    this.draw()
    this.sound.drawWave()
  }

  /** Favourites of the generator: a seed is another picture elsewhere. */
  offer() {
    let count = 0
    for (const button of this.bit('favourites').children) {
      button.hidden = button.dataset.run !== this.form.elements.run.value
      if (!button.hidden) count++
    }
    this.bit('none').hidden = count > 0
    this.keys = this.keys.filter(key => !key.run || key.run === this.form.elements.run.value)
    this.draw()
  }

  add(seed, picture) {
    if (!Number.isSafeInteger(seed) || seed < 0 || this.keys.length >= 64) return
    this.keys.push({ seed, picture, run: this.form.elements.run.value })
    // Evenly, until a hand moves one.
    if (!this.isMoved) this.spread()
    else this.keys.at(-1).at = this.seconds
    this.draw()
  }

  spread() {
    const parts = this.bit('loop').checked ? this.keys.length : Math.max(1, this.keys.length - 1)
    this.keys.forEach((key, place) => { key.at = this.seconds * place / parts })
  }

  draw() {
    const line = this.bit('timeline')
    this.keys.forEach(key => { key.at = Math.min(this.seconds, key.at ?? 0) })
    this.keys.sort((one, other) => one.at - other.at)
    line.querySelectorAll('.mark').forEach(mark => mark.remove())
    for (const key of this.keys) {
      const mark = make('button', { type: 'button', className: 'mark', title: `${word('film.seed', key.seed)} · ${key.at.toFixed(2)} s` })
      mark.append(key.picture ? make('img', { src: `/api/pictures/${key.picture}/file`, alt: word('film.seed', key.seed) }) : make('span', {}, key.seed))
      mark.style.left = `${key.at / this.seconds * 100}%`
      mark.addEventListener('pointerdown', event => { event.preventDefault(); mark.setPointerCapture(event.pointerId); mark.focus() })
      mark.addEventListener('pointermove', event => {
        if (!mark.hasPointerCapture(event.pointerId)) return
        const box = line.getBoundingClientRect()
        this.moveKey(key, (event.clientX - box.left) / box.width * this.seconds, mark)
      })
      mark.addEventListener('pointerup', () => this.draw())
      mark.addEventListener('keydown', event => {
        const way = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key]
        if (way) { event.preventDefault(); this.moveKey(key, key.at + way, mark) }
        if (event.key === 'Delete') this.drop(key)
      })
      line.append(mark)
    }
    this.bit('keys').replaceChildren(...this.keys.map(key => {
      const out = make('button', { type: 'button', className: 'reset', ariaLabel: word('live.remove'), title: word('live.remove'), textContent: '✕' })
      out.addEventListener('click', () => this.drop(key))
      return make('li', {}, make('span', {}, word('film.seed', key.seed)), make('span', { className: 'quiet' }, `${key.at.toFixed(2)} s`), out)
    }))
  }

  moveKey(key, at, mark) {
    this.isMoved = true
    key.at = Math.round(Math.min(this.seconds, Math.max(0, at)) * 100) / 100
    mark.style.left = `${key.at / this.seconds * 100}%`
    mark.title = `${word('film.seed', key.seed)} · ${key.at.toFixed(2)} s`
  }

  drop(key) { this.keys = this.keys.filter(other => other !== key); if (!this.isMoved) this.spread(); this.draw() }

  timeline() {
    const isLoop = this.bit('loop').checked, { seconds } = this, half = seconds / 2
    const [truncation, zoom, turn] = this.fields.map(field => +field.value)
    const tracks = { truncation }
    // In and out again, so that a loop closes; a turn ends where it began when it is whole.
    if (zoom !== 1) tracks.zoom = [{ at: 0, value: 1, ease: 'smooth' }, { at: isLoop ? half : seconds, value: zoom, ease: 'smooth' }, ...(isLoop ? [{ at: seconds, value: 1 }] : [])]
    if (turn) tracks.turn = [{ at: 0, value: 0 }, { at: seconds, value: turn }]
    const timeline = { seconds, rate: '24', loop: isLoop, path: this.form.elements.path.value, tracks }
    if (this.keys.length) timeline.keys = this.keys.map(({ seed, at }) => ({ seed, at }))
    return timeline
  }

  async begin(isPreview) {
    const says = this.bit('says'), { run, size, path } = this.form.elements
    says.textContent = ''
    if (this.keys.length < 2 && path.value !== 'process') { says.textContent = word('film.more'); return }
    try {
      const timeline = await api('POST', '/api/timelines', { run: run.value, timeline: this.timeline() })
      const values = { run: [run.value], timeline: [`timeline:${timeline.id}`], size: [size.value], ...this.sound.values }
      if (this.bit('pixels').checked) values.pixels = ['true']
      if (isPreview) values.preview = ['true']
      await this.following.begin('film', values)
    } catch (error) { says.textContent = error.message }
  }

  show(picture) {
    const src = `/api/pictures/${picture.id}/file`, isSilent = !this.sound.value
    this.bit('screen').replaceChildren(picture.kind === 'film' ? make('video', { src, controls: true, loop: true, autoplay: isSilent, muted: isSilent }) : make('img', { src, alt: word('film.sheet') }))
  }
})
