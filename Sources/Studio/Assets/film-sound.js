// A film's sound: laid under it, drawn behind its timeline, and moving what it shows (`film --sound --react`).
import { make, toast, word } from './api.js'
import { upload } from './picking.js'

const features = ['onset', 'loudness', 'low', 'mid', 'high']
// What each moves at most: seconds of the path, and parts of each track's range.
const targets = { path: 1, zoom: 1, turn: 90, x: 0.5, y: 0.5, truncation: 1 }

export class FilmSound {
  constructor(page) {
    Object.assign(this, { page, reactions: [], peaks: null, value: null })
    page.bit('sound-file').addEventListener('change', event => this.take(event.target.files[0]))
    page.bit('sound-out').addEventListener('click', () => this.drop())
    page.bit('react').addEventListener('click', () => this.add('low', 'zoom', 0.3))
    page.bit('audio').addEventListener('loadedmetadata', event => {
      const { duration } = event.target
      // A film is as long as its sound, as far as the page makes films.
      if (Number.isFinite(duration) && duration > 0) page.setSeconds(Math.max(1, Math.min(600, Math.round(duration * 100) / 100)))
    })
    page.bit('audio').addEventListener('timeupdate', event => this.point(event.target))
    new ResizeObserver(() => this.drawWave()).observe(page.bit('wave'))
  }

  async take(file) {
    if (!file) return
    const { page } = this, player = page.bit('audio')
    try {
      const { id } = await upload(file, file.name)
      this.value = `upload:${id}`
    } catch (error) { page.bit('says').textContent = error.message; return }
    if (player.src) URL.revokeObjectURL(player.src)
    player.src = URL.createObjectURL(file)
    page.bit('sound').hidden = false
    page.bit('sound-name').textContent = file.name
    if (!this.reactions.length) this.add('onset', 'path', 0.5)
    // Seen, so that keys can be laid on it. Some sounds can be played by a browser but not read.
    this.peaks = null
    this.drawWave()
    try {
      const context = new OfflineAudioContext(1, 1, 22050), sound = await context.decodeAudioData(await file.arrayBuffer())
      const samples = sound.getChannelData(0), count = 1200, step = samples.length / count
      this.length = sound.duration
      this.peaks = Array.from({ length: count }, (_, at) => {
        let most = 0
        for (let i = Math.floor(at * step); i < (at + 1) * step; i++) most = Math.max(most, Math.abs(samples[i] ?? 0))
        return most
      })
      this.drawWave()
    } catch { toast(word('film.noWave')) }
  }

  drop() {
    const player = this.page.bit('audio')
    player.pause()
    URL.revokeObjectURL(player.src)
    player.removeAttribute('src')
    Object.assign(this, { value: null, peaks: null, reactions: [] })
    this.page.bit('sound').hidden = true
    this.page.bit('sound-file').value = ''
    this.page.bit('now').hidden = true
    this.draw()
    this.drawWave()
  }

  /** Where it plays, on the timeline. */
  point(player) {
    const now = this.page.bit('now')
    now.hidden = !player.src || player.currentTime === 0
    now.style.left = `${Math.min(1, player.currentTime / this.page.seconds) * 100}%`
  }

  drawWave() {
    const canvas = this.page.bit('wave'), { width, height } = canvas.getBoundingClientRect(), scale = devicePixelRatio
    if (!width) return
    Object.assign(canvas, { width: width * scale, height: height * scale })
    if (!this.peaks) return
    const pen = canvas.getContext('2d'), most = Math.max(...this.peaks, 0.01)
    pen.fillStyle = getComputedStyle(canvas).color
    // As far as the film goes.
    const shown = Math.min(1, this.length / this.page.seconds) * canvas.width
    this.peaks.forEach((peak, at) => {
      const tall = Math.max(scale, peak / most * canvas.height)
      pen.fillRect(at / this.peaks.length * shown, (canvas.height - tall) / 2, Math.max(1, shown / this.peaks.length - 0.5), tall)
    })
  }

  add(hear, move, by) {
    this.reactions.push({ hear, move, by })
    this.draw()
  }

  draw() {
    this.page.bit('reactions').replaceChildren(...this.reactions.map(reaction => {
      const hear = make('select', { ariaLabel: word('live.hears') }, ...features.map(name => make('option', { value: name, textContent: word(`live.hear.${name}`) })))
      const move = make('select', { ariaLabel: word('live.moves') }, ...Object.keys(targets).map(name => make('option', { value: name, textContent: word(`film.move.${name}`) })))
      const by = make('input', { type: 'range', min: -1, max: 1, step: 0.05, value: reaction.by, ariaLabel: word('live.by') })
      const out = make('button', { type: 'button', className: 'reset', ariaLabel: word('live.remove'), title: word('live.remove'), textContent: '✕' })
      hear.value = reaction.hear
      move.value = reaction.move
      hear.addEventListener('change', () => { reaction.hear = hear.value })
      move.addEventListener('change', () => { reaction.move = move.value })
      by.addEventListener('input', () => { reaction.by = +by.value })
      out.addEventListener('click', () => {
        this.reactions = this.reactions.filter(other => other !== reaction)
        this.draw()
      })
      return make('li', { className: 'reaction' }, hear, make('span', { ariaHidden: true }, '→'), move, by, out)
    }))
  }

  /** What the command line is given. */
  get values() {
    if (!this.value) return {}
    const react = this.reactions.filter(({ by }) => by !== 0).map(({ hear, move, by }) => `${hear}:${move}:${+(by * targets[move]).toFixed(3)}`)
    return { sound: [this.value], ...(react.length ? { react } : {}) }
  }
}
