// A mask that is painted on a picture: white where it is to be worked on. By mouse, pen, finger or keys.
import { make } from './api.js'

// Of the longer side; a mask of the same shape is scaled by the verb.
const most = 2048

customElements.define('mask-painter', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.screen = this.bit('screen')
    this.steps = []
    this.addEventListener('click', event => {
      const name = event.target.closest('[data-do]')?.dataset.do
      if (name) this[name]?.()
    })
    this.bit('brush').addEventListener('input', () => this.cursor())
  }

  /** Shows a picture to paint on; what was painted is gone. */
  async show(address) {
    const image = make('img', { src: address, alt: '' })
    await image.decode()
    const scale = Math.min(1, most / Math.max(image.naturalWidth, image.naturalHeight))
    this.mask = make('canvas', { width: Math.round(image.naturalWidth * scale), height: Math.round(image.naturalHeight * scale), tabIndex: 0, className: 'mask' })
    this.mask.setAttribute('role', 'application')
    this.mask.setAttribute('aria-label', this.bit('help').textContent)
    this.pen = make('span', { className: 'pen' })
    this.sheet = make('div', { className: 'mask-sheet' }, image, this.mask, this.pen)
    this.sheet.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`
    this.screen.replaceChildren(this.sheet)
    this.context = this.mask.getContext('2d', { willReadFrequently: true })
    this.steps = []
    this.at = { x: this.mask.width / 2, y: this.mask.height / 2 }
    this.bit('tools').hidden = this.bit('help').hidden = false
    this.mask.addEventListener('pointerdown', event => { this.mask.setPointerCapture(event.pointerId); this.mask.focus(); this.note(); this.stroke(event, true) })
    this.mask.addEventListener('pointermove', event => { this.place(event); if (this.mask.hasPointerCapture(event.pointerId)) this.stroke(event) })
    this.mask.addEventListener('keydown', event => this.key(event))
    for (const name of ['focus', 'pointerenter']) this.mask.addEventListener(name, () => { this.pen.hidden = false; this.cursor() })
    for (const name of ['blur', 'pointerleave']) this.mask.addEventListener(name, () => { this.pen.hidden = document.activeElement !== this.mask })
    this.pen.hidden = true
  }

  get radius() { return +this.bit('brush').value / 200 * Math.max(this.mask.width, this.mask.height) }
  get isErasing() { return this.querySelector('[data-do=erase]').getAttribute('aria-pressed') === 'true' }
  /** Whether anything is painted. */
  get isPainted() { return Boolean(this.mask) && this.context.getImageData(0, 0, this.mask.width, this.mask.height).data.some((value, at) => at % 4 === 3 && value > 0) }

  place(event) {
    const box = this.mask.getBoundingClientRect()
    this.at = { x: (event.clientX - box.left) / box.width * this.mask.width, y: (event.clientY - box.top) / box.height * this.mask.height }
    this.cursor()
  }

  cursor() {
    if (!this.mask) return
    const { style } = this.pen
    style.left = `${this.at.x / this.mask.width * 100}%`
    style.top = `${this.at.y / this.mask.height * 100}%`
    style.width = `${2 * this.radius / this.mask.width * 100}%`
  }

  stroke(event, isFirst = false) {
    const from = this.at
    this.place(event)
    this.line(isFirst ? this.at : from, this.at)
  }

  line(from, to) {
    const { context } = this
    context.globalCompositeOperation = this.isErasing ? 'destination-out' : 'source-over'
    context.strokeStyle = '#ff5a3c'
    context.lineCap = context.lineJoin = 'round'
    context.lineWidth = 2 * this.radius
    context.beginPath()
    context.moveTo(from.x, from.y)
    // A line without length is drawn by some browsers only.
    context.lineTo(to.x + 0.01, to.y)
    context.stroke()
  }

  key(event) {
    const step = Math.max(this.mask.width, this.mask.height) / (event.shiftKey ? 100 : 30)
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    const brush = this.bit('brush')
    if (way) {
      const from = this.at
      this.at = { x: Math.min(this.mask.width, Math.max(0, from.x + way[0] * step)), y: Math.min(this.mask.height, Math.max(0, from.y + way[1] * step)) }
      // Held down, the space bar draws a line as the arrows go.
      if (this.isDown) this.line(from, this.at)
    } else if (event.key === ' ') {
      if (!this.isDown) { this.note(); this.line(this.at, this.at) }
      this.isDown = true
      this.mask.addEventListener('keyup', up => { if (up.key === ' ') this.isDown = false }, { once: true })
    } else if (event.key === '[' || event.key === ']') brush.value = +brush.value + (event.key === ']' ? 2 : -2)
    else if (event.key === 'e') this.erase()
    else if (event.key === 'z') this.undo()
    else if (event.key === 'i') this.invert()
    else if (event.key === 'Delete') this.clear()
    else return
    event.preventDefault()
    this.cursor()
  }

  // Steps

  note() {
    this.steps.push(this.context.getImageData(0, 0, this.mask.width, this.mask.height))
    if (this.steps.length > 20) this.steps.shift()
  }

  undo() {
    const step = this.steps.pop()
    if (step) this.context.putImageData(step, 0, 0)
  }

  erase() {
    const button = this.querySelector('[data-do=erase]')
    button.setAttribute('aria-pressed', !this.isErasing)
  }

  clear() { this.note(); this.context.clearRect(0, 0, this.mask.width, this.mask.height) }

  invert() {
    this.note()
    this.context.globalCompositeOperation = 'xor'
    this.context.fillStyle = '#ff5a3c'
    this.context.fillRect(0, 0, this.mask.width, this.mask.height)
  }

  /** A PNG, white on black. */
  blob() {
    const out = make('canvas', { width: this.mask.width, height: this.mask.height }), context = out.getContext('2d')
    context.drawImage(this.mask, 0, 0)
    context.globalCompositeOperation = 'source-in'
    context.fillStyle = '#fff'
    context.fillRect(0, 0, out.width, out.height)
    context.globalCompositeOperation = 'destination-over'
    context.fillStyle = '#000'
    context.fillRect(0, 0, out.width, out.height)
    return new Promise(done => out.toBlob(done, 'image/png'))
  }
})

// Two pictures of the same, one over the other up to a line that is moved.
customElements.define('before-after', class extends HTMLElement {
  show(before, after, label) {
    const line = make('input', { type: 'range', min: 0, max: 100, value: 50, ariaLabel: label })
    const top = make('img', { src: before, alt: '' }), bottom = make('img', { src: after, alt: '' })
    line.addEventListener('input', () => { top.style.clipPath = `inset(0 ${100 - line.value}% 0 0)`; bar.style.left = `${line.value}%` })
    const bar = make('span', { className: 'bar' })
    top.style.clipPath = 'inset(0 50% 0 0)'
    this.replaceChildren(bottom, top, bar, line)
  }
})
