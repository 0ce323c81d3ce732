// A run from its first sheet of samples to its newest: the same seeds, as it learned.
import { api, listen, make, word } from './api.js'

customElements.define('run-scrubber', class extends HTMLElement {
  connectedCallback() {
    this.image = make('img', { alt: word('run.samples') })
    this.line = make('input', { type: 'range', min: 0, max: 0, value: 0, ariaLabel: word('run.line') })
    this.words = make('output', {})
    this.link = make('a', { className: 'button tiny', hidden: true }, word('run.from'))
    this.append(make('figure', {}, this.image, this.line, make('p', { className: 'actions' }, this.words, this.link)))
    this.hidden = true
    this.line.addEventListener('input', () => { this.isHeld = +this.line.value < this.samples.length - 1; this.show() })
    listen(job => { if (job.run === this.dataset.run && job.sheet !== this.newest) { this.newest = job.sheet; this.load() } })
    listen(() => this.load(), 'catalogue')
    this.load()
  }

  static observedAttributes = ['data-run']
  attributeChangedCallback(_, before, now) { if (this.line && before !== now) this.load() }

  async load() {
    if (!this.dataset.run) return
    // A run is in the catalogue a moment after it has begun.
    const runs = await api('GET', '/api/runs').catch(() => [])
    if (!runs.some(run => run.id === this.dataset.run)) return
    const run = await api('GET', `/api/runs/${this.dataset.run}`).catch(() => null)
    if (!run?.samples.length) return
    this.samples = run.samples
    this.checkpoints = run.checkpoints.filter(checkpoint => checkpoint.isWhole)
    this.hidden = false
    this.line.max = this.samples.length - 1
    // It follows a training until somebody looks back.
    if (!this.isHeld) this.line.value = this.samples.length - 1
    this.show()
  }

  show() {
    const name = this.samples[+this.line.value], seen = +name
    this.image.src = `/api/runs/${this.dataset.run}/samples/${name}`
    const nearest = [...this.checkpoints].sort((one, other) => Math.abs(one.picturesSeen - seen) - Math.abs(other.picturesSeen - seen))[0]
    this.words.textContent = word('seen', seen.toLocaleString()) + (nearest?.isBest ? ` · ${word('run.best')}` : '')
    this.link.hidden = !nearest
    if (nearest) {
      this.link.href = `/generate?run=checkpoint:${nearest.id}`
      this.link.title = word('seen', nearest.picturesSeen.toLocaleString())
    }
  }
})
