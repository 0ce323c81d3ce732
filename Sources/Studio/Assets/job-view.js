// A job, live: progress, the newest sheet of samples, a plot of readings, the pictures that were made.
import { api, listen, make, spoken, word } from './api.js'
import './run-scrubber.js'

const ended = ['done', 'stopped', 'refused', 'setAside']

customElements.define('job-view', class extends HTMLElement {
  connectedCallback() {
    this.id_ = this.dataset.id
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.shown = new Set()
    this.readings = []
    this.show(JSON.parse(this.bit('json').textContent))
    listen(job => { if (job.id === this.id_) this.show(job) })
    this.bit('log').addEventListener('toggle', async () => {
      this.bit('messages').textContent = await (await fetch(`/api/jobs/${this.id_}/messages`)).text()
    })
    if (this.bit('plot')) this.begin()
  }

  async begin() {
    this.readings = await api('GET', `/api/jobs/${this.id_}/readings`)
    this.draw()
    new ResizeObserver(() => this.plot?.setSize({ width: this.bit('plot').clientWidth, height: 260 })).observe(this.bit('plot'))
  }

  show(job) {
    // What can be done with it is another with its state, and with its first checkpoint.
    const now = `${job.state} ${job.saved > 0}`
    const isOther = this.offered !== now
    this.offered = now
    const state = this.bit('state')
    state.textContent = word(`state.${job.state}`)
    state.dataset.state = job.state
    this.bit('reason').hidden = !job.reason
    this.bit('reason').textContent = job.reason ?? ''
    const progress = this.bit('progress')
    if (job.fraction != null) progress.value = job.fraction
    else if (job.state === 'running') progress.removeAttribute('value')
    const words = []
    if (job.total > 1) words.push(`${job.done} / ${job.total}`)
    if (job.reading) {
      words.push(word('seen', Math.round(job.reading.picturesSeen).toLocaleString()))
      if (job.reading.picturesPerSecond) words.push(word('perSecond', job.reading.picturesPerSecond.toPrecision(3)))
    }
    if (job.secondsLeft > 0 && !ended.includes(job.state)) words.push(word('left', spoken(job.secondsLeft)))
    if (job.trouble) words.push(job.trouble)
    this.bit('words').textContent = words.join(' · ')
    const notes = this.bit('notes')
    notes.replaceChildren(...job.notes.map(note => make('li', {}, note)))
    if (isOther) this.actions()
    this.pictures(job)
    if (this.bit('sheet')) this.training(job)
  }

  async actions() {
    const text = await (await fetch(`/part/queue`)).text()
    const list = new DOMParser().parseFromString(text, 'text/html')
    const row = list.querySelector(`a[href="/jobs/${this.id_}"]`)?.closest('.job')
    if (row) this.bit('actions').replaceChildren(...row.querySelectorAll('[data-act]:not([data-act=move])'))
  }

  /** Shows those that the catalogue knows by now; it may hear of others a moment later. */
  async pictures(job, tries = 20) {
    this.bit('pictures').hidden = job.pictureCount === 0
    this.newest = job
    const wanted = () => this.newest.pictures.filter(made => made.kind !== 'film' && !this.shown.has(made.id))
    if (!wanted().length || this.isAsking) return
    this.isAsking = true
    const known = await api('GET', `/api/pictures?job=${this.id_}&limit=500`).catch(() => ({ pictures: [] }))
    this.isAsking = false
    const ids = new Set(known.pictures.map(({ picture }) => picture.id))
    for (const made of wanted()) {
      if (!ids.has(made.id)) continue
      this.shown.add(made.id)
      const image = make('img', { src: `/api/pictures/${made.id}/file`, alt: made.seed != null ? word('seed', made.seed) : made.kind, loading: 'lazy' })
      this.bit('made').append(make('li', {}, make('a', { href: `/gallery?job=${this.id_}` }, image)))
    }
    clearTimeout(this.asking)
    if (tries && wanted().length) this.asking = setTimeout(() => this.pictures(this.newest, tries - 1), 700)
  }

  training(job) {
    if (job.sheet && job.sheet !== this.sheet) {
      this.sheet = job.sheet
      this.bit('sheet').src = `/api/jobs/${this.id_}/sheet?at=${job.sheet}`
      this.bit('sheet').hidden = false
    }
    if (job.run) {
      const link = this.bit('generate')
      link.href = `/generate?run=run:${job.run}`
      link.hidden = job.saved === 0
      this.bit('samples').dataset.run = job.run
    }
    const last = this.readings.at(-1)
    if (job.reading && (!last || job.reading.picturesSeen > last.picturesSeen)) { this.readings.push(job.reading); this.draw() }
  }

  draw() {
    if (this.readings.length < 2 || typeof uPlot === 'undefined') return
    const names = Object.keys(this.readings.at(-1).figures)
    const data = [this.readings.map(reading => reading.picturesSeen), ...names.map(name => this.readings.map(reading => reading.figures[name] ?? null))]
    if (this.plot && this.plot.series.length === data.length) { this.plot.setData(data); return }
    this.plot?.destroy()
    const colours = ['#c8452f', '#2f7dc8', '#3d9a5b', '#a35bc4', '#c89b2f', '#4aa3a3']
    const ink = getComputedStyle(document.documentElement).getPropertyValue('color') || '#888'
    const axis = { stroke: getComputedStyle(this).color || ink, grid: { stroke: '#8883', width: 1 } }
    this.plot = new uPlot({
      width: this.bit('plot').clientWidth, height: 260, scales: { x: { time: false } }, axes: [axis, axis],
      series: [{ label: word('plotSeen') }, ...names.map((name, at) => ({ label: name, stroke: colours[at % colours.length], width: 1.5 }))],
    }, data, this.bit('plot'))
  }
})
