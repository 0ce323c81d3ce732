// Sound moves what is played: a file or the microphone is heard in the browser, and goes nowhere.
import { make, toast, word } from './api.js'

// Hz; as `film --react` has them.
const bands = { low: [20, 200], mid: [200, 2000], high: [2000, 16000] }
const features = ['loudness', 'low', 'mid', 'high', 'onset']

/** Levels from 0 to 1 of a spectrum, each beside the loudest of late; onsets by spectral flux (Bello et al. 2005). */
export class Hearing {
  constructor(rate, size) {
    this.width = rate / 2 / size
    this.before = new Float32Array(size)
    this.most = { loudness: 1e-4, low: 1e-4, mid: 1e-4, high: 1e-4 }
    this.usual = 0
    this.levels = Object.fromEntries(features.map(name => [name, 0]))
    this.last = -1
  }

  /** @param decibels a spectrum; @param time seconds. */
  hear(decibels, time) {
    const sums = { loudness: 0, low: 0, mid: 0, high: 0 }
    let flux = 0
    for (let at = 0; at < decibels.length; at++) {
      const hertz = at * this.width, size = Number.isFinite(decibels[at]) ? 10 ** (decibels[at] / 20) : 0
      sums.loudness += size * size
      for (const name in bands) if (hertz >= bands[name][0] && hertz < bands[name][1]) sums[name] += size * size
      flux += Math.max(0, size - this.before[at])
      this.before[at] = size
    }
    for (const name in sums) {
      const level = Math.sqrt(sums[name])
      this.most[name] = Math.max(level, this.most[name] * 0.999, 1e-4)
      const now = level / this.most[name]
      // Up at once, down within a fifth of a second.
      this.levels[name] = Math.max(now, this.levels[name] * 0.82)
    }
    const isOnset = flux > 1.6 * this.usual + 1e-3 && time - this.last > 0.12
    this.usual += 0.08 * (flux - this.usual)
    if (isOnset) this.last = time
    this.levels.onset = isOnset ? 1 : this.levels.onset * 0.8
    return isOnset
  }
}

export class Sound {
  constructor(page) {
    this.page = page
    this.reactions = []
    this.meters = Object.fromEntries(features.map(name => {
      const meter = make('meter', { min: 0, max: 1, value: 0 })
      page.bit('meters').append(make('label', {}, make('span', {}, word(`live.hear.${name}`)), meter))
      return [name, meter]
    }))
    page.bit('sound-file').addEventListener('change', event => this.file(event.target.files[0]))
    page.button('microphone').addEventListener('click', () => this.microphone())
    page.button('react').addEventListener('click', () => this.add())
  }

  take() { this.draw() }

  // Where it comes from

  begin() {
    this.audio ??= new AudioContext()
    this.audio.resume()
    if (!this.analyser) {
      this.analyser = this.audio.createAnalyser()
      this.analyser.fftSize = 2048
      this.analyser.smoothingTimeConstant = 0.3
      this.spectrum = new Float32Array(this.analyser.frequencyBinCount)
      this.hearing = new Hearing(this.audio.sampleRate, this.analyser.frequencyBinCount)
      setInterval(() => this.hear(), 25)
    }
    if (!this.reactions.length) this.add('loudness', this.page.sliders.tracks.find(track => track.isSlider)?.name ?? 'zoom', 0.3)
  }

  file(file) {
    if (!file) return
    this.begin()
    const player = this.page.bit('audio')
    if (player.src) URL.revokeObjectURL(player.src)
    player.src = URL.createObjectURL(file)
    player.hidden = false
    if (!this.player) {
      this.player = this.audio.createMediaElementSource(player)
      this.player.connect(this.analyser)
      this.player.connect(this.audio.destination)
    }
    player.play().catch(error => toast(error.message))
  }

  async microphone() {
    const button = this.page.button('microphone')
    if (this.line) {
      for (const track of this.line.getTracks()) track.stop()
      this.heard.disconnect()
      this.line = null
    } else {
      try {
        this.line = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } })
        this.begin()
        this.heard = this.audio.createMediaStreamSource(this.line)
        this.heard.connect(this.analyser)
      } catch { toast(word('live.noMicrophone')) }
    }
    button.setAttribute('aria-pressed', Boolean(this.line))
  }

  hear() {
    this.analyser.getFloatFrequencyData(this.spectrum)
    const isOnset = this.hearing.hear(this.spectrum, this.audio.currentTime)
    for (const name of features) this.meters[name].value = this.hearing.levels[name]
    const isSilent = !this.line && this.page.bit('audio').paused
    if (isSilent && this.wasSilent || !this.page.show || !this.reactions.length) return
    this.wasSilent = isSilent
    if (isSilent) for (const name of features) this.hearing.levels[name] = 0
    const { values } = this.page.sliders, moved = {}
    for (const { hear, move, by } of this.reactions) {
      if (move !== 'place') moved[move] = values[move]
      // A path goes on, by so much at each onset or a second at full level.
      else if (hear === 'onset' ? isOnset : true) moved.place = (moved.place ?? values.place) + (hear === 'onset' ? by : this.hearing.levels[hear] * by * 0.025)
    }
    if (moved.place === values.place) delete moved.place
    this.page.move(this.added(moved))
  }

  /** What is sent for values that sliders have: with what is heard now. */
  added(values) {
    const all = { ...values }
    for (const { hear, move, by } of this.reactions) {
      const track = this.page.sliders.tracks.find(track => track.name === move)
      if (move === 'place' || !track || all[move] == null || !this.hearing) continue
      const added = all[move] + this.hearing.levels[hear] * by * (track.high - track.low) / 2
      all[move] = Math.min(track.most, Math.max(track.least, added))
    }
    return all
  }

  // What it moves

  add(hear = 'onset', move = 'place', by = 0.3) {
    this.reactions.push({ hear, move, by })
    this.draw()
  }

  draw() {
    const { sliders } = this.page
    this.page.bit('reactions').replaceChildren(...this.reactions.map(reaction => {
      const hear = make('select', { ariaLabel: word('live.hears') }, ...features.map(name => make('option', { value: name, textContent: word(`live.hear.${name}`) })))
      const move = make('select', { ariaLabel: word('live.moves') }, ...sliders.tracks.map(track => make('option', { value: track.name, textContent: sliders.label(track.name) })))
      const by = make('input', { type: 'range', min: -1, max: 1, step: 0.05, value: reaction.by, ariaLabel: word('live.by') })
      const out = make('button', { type: 'button', className: 'reset', ariaLabel: word('live.remove'), title: word('live.remove'), textContent: '✕' })
      hear.value = reaction.hear
      move.value = reaction.move
      hear.addEventListener('change', () => { reaction.hear = hear.value })
      move.addEventListener('change', () => { this.back(reaction.move); reaction.move = move.value })
      by.addEventListener('input', () => { reaction.by = +by.value })
      out.addEventListener('click', () => {
        this.reactions = this.reactions.filter(other => other !== reaction)
        this.back(reaction.move)
        this.draw()
      })
      return make('li', { className: 'reaction' }, hear, make('span', { ariaHidden: true }, '→'), move, by, out)
    }))
  }

  /** A track that nothing adds to any more is where its slider is. */
  back(name) { if (name !== 'place') this.page.move({ [name]: this.page.sliders.values[name] }) }
}
