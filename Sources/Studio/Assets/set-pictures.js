// The pictures of a set: captions, classes and crops edited in place, and mends that set copies aside and can be undone.
import { api, inspectSet, make, redraw, toast, word } from './api.js'
import './crop-box.js'

customElements.define('set-pictures', class extends HTMLElement {
  connectedCallback() {
    this.set = this.dataset.set
    this.dialog = this.querySelector('dialog')
    this.isSquare = true
    this.items = [...this.querySelectorAll('[data-picture]')]
    this.addEventListener('click', event => {
      const item = event.target.closest('[data-picture]')
      if (item) this.open(this.items.indexOf(item))
      if (event.target === this.dialog) this.dialog.close()
    })
    this.dialog.addEventListener('close', () => this.keep())
    this.dialog.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 1, PageUp: -1 }[event.key]
      const isWriting = event.target.tagName === 'TEXTAREA' && !event.key.startsWith('Page')
      if (step && !isWriting && this.items[this.here + step]) { event.preventDefault(); this.open(this.here + step) }
    })
    for (const button of document.querySelectorAll('[data-aside]')) button.addEventListener('click', () => this.aside(button))
    document.querySelector('[data-back]')?.addEventListener('click', event => this.back(event.target))
  }

  async open(place) {
    await this.keep()
    this.here = place
    const { picture, name, caption, crop } = this.items[place].dataset
    const text = make('textarea', { rows: 4, value: caption ?? '', placeholder: word('set.caption') })
    const shown = make('crop-box')
    shown.isSquare = this.isSquare
    const [left, top, width, height] = (crop ?? '').split(' ').map(Number)
    shown.show(`/api/sets/${this.set}/previews/${picture}`, name, crop ? { left, top, width, height } : null)
    const whole = make('button', { type: 'button', className: 'button tiny', hidden: !crop }, word('set.whole'))
    whole.addEventListener('click', () => shown.set(null))
    shown.addEventListener('input', () => { whole.hidden = !shown.crop })
    const square = make('input', { type: 'checkbox', checked: this.isSquare })
    square.addEventListener('change', () => { this.isSquare = square.checked; shown.square(square.checked) })
    this.box = shown
    const aside = make('button', { type: 'button', className: 'button tiny' }, word('set.aside'))
    aside.addEventListener('click', async () => { this.dialog.close(); await this.move([picture]) })
    const close = make('button', { type: 'button', className: 'button tiny' }, word('close'))
    close.addEventListener('click', () => this.dialog.close())
    const kind = make('input', { value: this.items[place].dataset.class ?? '', placeholder: word('set.class'), autocomplete: 'off' })
    kind.setAttribute('list', 'set-classes')
    kind.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || event.isComposing) return
      event.preventDefault()
      if (this.items[this.here + 1]) this.open(this.here + 1)
      else this.dialog.close()
    })
    this.text = text
    this.kind = kind
    this.dialog.querySelector('.stage').replaceChildren(shown)
    this.dialog.querySelector('.facts').replaceChildren(make('h2', {}, name), make('label', { className: 'field' }, make('span', { className: 'quiet' }, word('set.captionOf')), text), make('label', { className: 'field' }, make('span', { className: 'quiet' }, word('set.classOf')), kind), make('p', { className: 'actions' }, make('label', {}, square, ' ', word('set.square')), whole), make('p', { className: 'help' }, word('set.cropHelp')), make('p', { className: 'actions' }, aside, close), make('p', { className: 'help' }, word('set.captionHelp')))
    if (!this.dialog.open) this.dialog.showModal()
    text.focus()
  }

  /** Writes what was changed. */
  async keep() {
    const text = this.text, kind = this.kind, box = this.box, item = this.items[this.here]
    this.text = this.kind = this.box = null
    if (box) await this.cut(item, box.crop)
    if (kind && kind.value.trim() !== (item.dataset.class ?? '')) await this.give(item, kind.value.trim())
    if (!text || text.value.trim() === (item.dataset.caption ?? '').trim()) return
    try {
      const picture = await api('POST', `/api/sets/${this.set}/captions`, { picture: item.dataset.picture, caption: text.value })
      item.dataset.caption = picture.caption ?? ''
      item.classList.toggle('captioned', Boolean(picture.caption))
      document.querySelector('[data-part=captions]').textContent = this.items.filter(item => item.dataset.caption).length
    } catch (error) { toast(error.message) }
  }

  /** A crop is a file beside the picture, which stays whole. */
  async cut(item, crop) {
    const words = crop && ['left', 'top', 'width', 'height'].map(side => crop[side].toFixed(5)).join(' ')
    if ((words ?? '') === (item.dataset.crop ?? '')) return
    try {
      await api('POST', `/api/sets/${this.set}/crops`, { picture: item.dataset.picture, ...(crop && { crop }) })
      if (words) item.dataset.crop = words
      else delete item.dataset.crop
      item.classList.toggle('cropped', Boolean(words))
      toast(word(words ? 'set.cropped' : 'set.uncropped'))
    } catch (error) { toast(error.message) }
  }

  /** A class is a folder: the picture moves there, and is known by another id from then on. */
  async give(item, kind) {
    try {
      const { moved } = await api('POST', `/api/sets/${this.set}/classes`, { pictures: [item.dataset.picture], class: kind })
      const pictures = await api('GET', `/api/sets/${this.set}/pictures`)
      const now = pictures.find(picture => picture.name === moved[0])
      if (now) Object.assign(item.dataset, { picture: now.id, name: now.name, class: kind })
      const classes = document.getElementById('set-classes')
      if (kind && ![...classes.options].some(option => option.value === kind)) classes.append(new Option(kind, kind))
      toast(kind ? word('set.classed', kind) : word('set.unclassed'))
    } catch (error) { toast(error.message) }
  }

  async aside(button) {
    button.disabled = true
    await this.move(JSON.parse(button.dataset.aside))
  }

  async move(pictures) {
    try {
      const answer = await api('POST', `/api/sets/${this.set}/aside`, { pictures, isOn: true })
      for (const item of this.items.filter(item => pictures.includes(item.dataset.picture))) item.closest('li').hidden = true
      toast(word('set.movedAside', answer.moved.length), async () => {
        await api('POST', `/api/sets/${this.set}/aside`, { pictures, isOn: false })
        await inspectSet(this.set)
        redraw()
      })
      // The report is made anew for those that are left.
      await inspectSet(this.set)
      setTimeout(redraw, 6000)
    } catch (error) { toast(error.message) }
  }

  async back(button) {
    button.disabled = true
    try {
      await api('POST', `/api/sets/${this.set}/aside`, { isOn: false })
      await inspectSet(this.set)
      location.reload()
    } catch (error) { toast(error.message) }
  }
})
