// Which part of a picture is used: a rectangle that is drawn on it, moved, and made larger or smaller, by mouse, pen, finger or keys.
import { make, word } from './api.js'

// Of a side; smaller is a slip of the hand.
const least = 0.03

customElements.define('crop-box', class extends HTMLElement {
  /** Shows a picture with its crop ({left, top, width, height} in parts of its sides, or null); `input` events tell of changes. */
  show(address, name, crop) {
    this.image = make('img', { src: address, alt: name })
    this.frame = make('div', { className: 'crop-frame', tabIndex: 0 })
    this.frame.setAttribute('role', 'application')
    this.frame.setAttribute('aria-label', word('set.cropHelp'))
    this.sheet = make('div', { className: 'crop-sheet' }, this.image, this.frame)
    this.replaceChildren(this.sheet)
    this.image.addEventListener('load', () => this.sheet.style.setProperty('--shape', this.shape))
    this.isSquare = this.isSquare ?? true
    this.crop = crop
    this.draw()
    this.sheet.addEventListener('pointerdown', event => this.begin(event))
    this.sheet.addEventListener('pointermove', event => this.go(event))
    for (const name of ['pointerup', 'pointercancel']) this.sheet.addEventListener(name, () => this.end())
    this.frame.addEventListener('keydown', event => this.key(event))
  }

  get shape() { return (this.image.naturalWidth || 1) / (this.image.naturalHeight || 1) }
  get shown() { return this.crop ?? { left: 0, top: 0, width: 1, height: 1 } }

  at(event) {
    const box = this.image.getBoundingClientRect()
    const within = part => Math.min(1, Math.max(0, part))
    return { x: within((event.clientX - box.left) / box.width), y: within((event.clientY - box.top) / box.height) }
  }

  begin(event) {
    if (event.button) return
    event.preventDefault()
    this.sheet.setPointerCapture(event.pointerId)
    const from = this.at(event), { left, top, width, height } = this.shown
    const isInside = this.crop && from.x > left && from.x < left + width && from.y > top && from.y < top + height
    this.drag = { from, isMoving: isInside, start: this.shown }
    this.frame.focus()
  }

  go(event) {
    if (!this.drag) return
    const { from, isMoving, start } = this.drag, to = this.at(event)
    if (isMoving) return this.set({ ...start, left: start.left + to.x - from.x, top: start.top + to.y - from.y })
    let [width, height] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)]
    const [toLeft, toTop] = [to.x < from.x, to.y < from.y]
    if (this.isSquare) {
      // As large as the hand went, as far as there is room.
      const room = [toLeft ? from.x : 1 - from.x, toTop ? from.y : 1 - from.y]
      width = Math.min(Math.max(width, height / this.shape), room[0], room[1] / this.shape)
      height = width * this.shape
    }
    if (width < least || height < least) return
    this.set({ left: toLeft ? from.x - width : from.x, top: toTop ? from.y - height : from.y, width, height })
  }

  end() { this.drag = null }

  /** Arrows move; with Shift they make it larger and smaller; Delete takes it away. */
  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (event.key === 'Delete' || event.key === 'Backspace') { event.preventDefault(); event.stopPropagation(); return this.set(null) }
    if (!way) return
    event.preventDefault()
    event.stopPropagation()
    const step = 0.02, crop = { ...this.shown }
    if (event.shiftKey) {
      crop.width += way[0] * step
      crop.height = this.isSquare ? crop.width * this.shape : crop.height + way[1] * step
      if (this.isSquare && way[1]) { crop.height = this.shown.height + way[1] * step; crop.width = crop.height / this.shape }
    } else {
      crop.left += way[0] * step
      crop.top += way[1] * step
    }
    this.set(crop)
  }

  /** The largest square in the middle of what is shown now. */
  square(isOn) {
    this.isSquare = isOn
    if (!isOn || !this.crop) return
    const { left, top, width, height } = this.crop
    const side = Math.min(width, height / this.shape)
    this.set({ left: left + (width - side) / 2, top: top + (height - side * this.shape) / 2, width: side, height: side * this.shape })
  }

  set(crop) {
    if (crop) {
      const width = Math.min(1, Math.max(least, crop.width)), height = Math.min(1, Math.max(least, crop.height))
      const inside = (start, length) => Math.min(1 - length, Math.max(0, start))
      crop = { left: inside(crop.left, width), top: inside(crop.top, height), width, height }
    }
    this.crop = crop
    this.draw()
    this.dispatchEvent(new Event('input'))
  }

  draw() {
    const { left, top, width, height } = this.shown
    this.frame.classList.toggle('whole', !this.crop)
    Object.assign(this.frame.style, { left: `${left * 100}%`, top: `${top * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` })
  }
})
