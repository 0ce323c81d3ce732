// A generator that is played: its frames on a canvas, and what moves it. The parts of the page are in files of their own.
import { api, listen, make, toast, word } from './api.js'
import { Frames } from './live-frames.js'
import { Sliders } from './live-sliders.js'
import { Keys } from './live-keys.js'
import { Sound } from './live-sound.js'
import { Knobs } from './live-osc.js'

customElements.define('live-show', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.button = name => this.querySelector(`[data-do="${name}"]`)
    this.form = this.bit('begin')
    this.waiting = {}
    this.frames = new Frames(this)
    this.sliders = new Sliders(this)
    this.keys = new Keys(this)
    this.sound = new Sound(this)
    this.knobs = new Knobs(this)
    this.form.addEventListener('submit', event => { event.preventDefault(); this.begin() })
    this.form.elements.seeds.addEventListener('change', () => this.tell({ seeds: this.form.elements.seeds.value }))
    this.form.elements.path.addEventListener('change', () => this.tell({ path: this.form.elements.path.value }))
    this.addEventListener('click', event => {
      const name = event.target.closest('[data-do]')?.dataset.do
      if (name === 'end') this.end()
      if (name === 'record') this.record()
      if (name === 'full') this.bit('screen').requestFullscreen?.()
      if (name === 'smooth') this.smooth()
    })
    const seeds = new URLSearchParams(location.search).get('seeds')
    if (seeds && /^[0-9,-]+$/.test(seeds)) this.form.elements.seeds.value = seeds
    listen(heard => this.hear(heard), 'live')
    this.recordings()
    this.find()
  }

  /** A show that goes on, such as after the page was loaded again. */
  async find() {
    const shows = await api('GET', '/api/live').catch(() => [])
    const wanted = new URLSearchParams(location.search).get('show')
    const show = shows.find(show => !show.ended && show.id === wanted) ?? shows.find(show => !show.ended && !this.dataset.run)
    if (show) this.take(show)
  }

  async begin() {
    const { run, seeds, path } = this.form.elements
    try {
      if (this.show) await this.end()
      const show = await api('POST', '/api/live', { run: run.value, seeds: seeds.value })
      this.take(show)
      if (path.value !== 'spline') this.tell({ path: path.value })
    } catch (error) { toast(error.message) }
  }

  take(show) {
    this.show = show
    history.replaceState(null, '', `?show=${show.id}`)
    this.form.elements.run.value = show.run
    this.form.elements.seeds.value = show.seeds.join(',')
    this.form.elements.path.value = show.path
    this.sliders.take(show)
    this.keys.take(show)
    this.sound.take(show)
    this.knobs.take()
    this.recording(show.isRecording)
    this.button('end').disabled = this.button('record').disabled = false
    this.bit('empty').hidden = true
    this.dataset.state = 'on'
    this.frames.watch(show.id)
  }

  async end() {
    const show = this.show
    if (!show) return
    this.left()
    await api('POST', `/api/live/${show.id}/stop`).catch(() => {})
  }

  left(why) {
    this.show = null
    this.frames.leave()
    this.keys.stop()
    this.button('end').disabled = this.button('record').disabled = true
    this.recording(false)
    this.bit('facts').textContent = ''
    this.bit('empty').hidden = false
    this.dataset.state = 'off'
    history.replaceState(null, '', location.pathname)
    if (why) toast(why)
  }

  // What it is told

  /** Moves tracks: what comes while a line is on its way goes with the next one, so that nothing queues up. */
  move(tracks) {
    if (!this.show) return
    this.waiting.tracks = { ...this.waiting.tracks, ...tracks }
    this.frames.moved()
    this.flush()
  }

  tell(line) {
    if (!this.show) return
    Object.assign(this.waiting, line)
    this.flush()
  }

  async flush() {
    if (this.isTelling) return
    this.isTelling = true
    while (this.show && Object.keys(this.waiting).length) {
      const line = this.waiting, isSeeds = line.seeds != null
      this.waiting = {}
      try {
        const answer = await api('POST', `/api/live/${this.show.id}`, line)
        this.frames.told(answer.line)
        if (isSeeds && this.show) this.sliders.take(this.show = await api('GET', `/api/live/${this.show.id}`))
      } catch (error) { toast(error.message) }
    }
    this.isTelling = false
  }

  hear(heard) {
    if (heard.timeline) this.recordings(heard.timeline)
    if (!this.show || heard.show !== this.show.id) return
    if (heard.tracks) this.sliders.show(heard.tracks)
    if (heard.isRecording != null) this.recording(heard.isRecording)
    if (heard.heard) this.knobs.hear(heard.heard)
    if (heard.error) toast(heard.error)
    if (heard.ended) this.left(word('live.over', heard.ended))
  }

  smooth() {
    const isOn = this.bit('canvas').classList.toggle('smooth')
    this.button('smooth').setAttribute('aria-pressed', isOn)
  }

  // Recordings

  record() { this.tell({ record: this.button('record').getAttribute('aria-pressed') !== 'true' }) }

  recording(isOn) {
    this.button('record').setAttribute('aria-pressed', isOn)
    this.form.elements.seeds.disabled = this.form.elements.path.disabled = isOn
  }

  async recordings(newest) {
    const all = await api('GET', '/api/timelines').catch(() => [])
    const played = all.filter(timeline => timeline.run && timeline.name.startsWith('live-')).slice(0, 6)
    this.bit('recordings').hidden = !played.length
    this.bit('recordings').querySelector('ul').replaceChildren(...played.map(timeline => {
      const film = make('button', { type: 'button', className: 'button tiny', textContent: word('live.film') })
      film.addEventListener('click', () => this.film(timeline, film))
      return make('li', { className: timeline.id === newest ? 'new' : '' },
        make('strong', {}, timeline.name), make('span', { className: 'quiet' }, `${timeline.generator} · ${new Date(timeline.made).toLocaleTimeString()}`), film)
    }))
  }

  async film(timeline, button) {
    button.disabled = true
    try {
      const values = { run: [timeline.run], timeline: [`timeline:${timeline.id}`], size: ['512'] }
      if (!this.bit('canvas').classList.contains('smooth')) values.pixels = ['true']
      const job = await api('POST', '/api/jobs', { verb: 'film', values })
      button.replaceWith(make('a', { className: 'button tiny', href: `/jobs/${job.id}` }, word('live.look')))
    } catch (error) { toast(error.message); button.disabled = false }
  }
})
