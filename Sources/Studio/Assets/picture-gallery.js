// The gallery: only the rows in sight are in the page, so that 50,000 pictures scroll like fifty.
import { api, listen, make, toast, word } from './api.js'
import { compare } from './picture-compare.js'

const page = 200

customElements.define('picture-gallery', class extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector('form')
    this.scroller = this.querySelector('.scroller')
    this.sizer = this.querySelector('.sizer')
    this.viewer = this.querySelector('dialog')
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.selected = new Map()
    this.here = 0
    const query = new URLSearchParams(location.search)
    for (const [name, value] of query) {
      const field = this.form.elements[name]
      if (field?.type === 'checkbox') field.checked = value === 'true'
      else if (field) field.value = value
    }
    this.job = query.get('job')
    this.form.addEventListener('submit', event => event.preventDefault())
    this.form.addEventListener('input', () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.search(), 120) })
    this.scroller.addEventListener('scroll', () => requestAnimationFrame(() => this.draw()), { passive: true })
    this.scroller.addEventListener('keydown', event => this.key(event))
    this.addEventListener('click', event => this.click(event))
    this.viewer.addEventListener('click', event => { if (event.target === this.viewer) this.viewer.close() })
    this.viewer.addEventListener('keydown', event => this.viewerKey(event))
    addEventListener('keydown', event => {
      if (event.key === '/' && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) { event.preventDefault(); this.form.elements.words.focus() }
    })
    new ResizeObserver(() => this.layout()).observe(this.scroller)
    listen(() => { clearTimeout(this.later); this.later = setTimeout(() => this.search(true), 500) }, 'catalogue')
    this.search()
  }

  // What is sought

  async search(isQuiet = false) {
    const query = new URLSearchParams()
    for (const [name, value] of new FormData(this.form)) if (value) query.set(name, value)
    if (this.job) query.set('job', this.job)
    history.replaceState(null, '', query.size ? `?${query}` : location.pathname)
    this.query = query
    this.pages = new Map()
    const number = this.number = (this.number ?? 0) + 1
    const first = await this.fetch(0, number)
    if (!first) return
    this.total = first.total
    this.bit('count').textContent = word('count', this.total.toLocaleString())
    if (!isQuiet) { this.scroller.scrollTop = 0; this.here = 0 }
    this.layout()
  }

  async fetch(at, number = this.number) {
    if (this.pages.has(at)) return this.pages.get(at)
    const query = new URLSearchParams(this.query)
    query.set('offset', at * page)
    query.set('limit', page)
    const asked = api('GET', `/api/pictures?${query}`).catch(error => { toast(error.message) })
    this.pages.set(at, asked)
    const got = await asked
    if (number !== this.number) return
    this.pages.set(at, got)
    return got
  }

  view(place) {
    const got = this.pages?.get(Math.floor(place / page))
    return got?.pictures?.[place % page]
  }

  // What is drawn

  layout() {
    const width = this.scroller.clientWidth
    this.columns = Math.max(2, Math.floor(width / 150))
    this.side = Math.floor(width / this.columns)
    this.sizer.style.height = `${Math.ceil((this.total ?? 0) / this.columns) * this.side}px`
    this.sizer.replaceChildren()
    this.draw()
  }

  draw() {
    if (!this.total) { this.sizer.replaceChildren(make('p', { className: 'quiet' }, this.total === 0 ? word('nothing') : '')); return }
    const above = Math.max(0, Math.floor(this.scroller.scrollTop / this.side) - 2)
    const below = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / this.side) + 2
    const from = above * this.columns, to = Math.min(this.total, below * this.columns)
    const there = new Map([...this.sizer.querySelectorAll('.tile')].map(tile => [Number(tile.dataset.place), tile]))
    for (const [place, tile] of there) if (place < from || place >= to) tile.remove()
    for (let place = from; place < to; place++) {
      const view = this.view(place)
      if (!view) { this.want(Math.floor(place / page)); continue }
      let tile = there.get(place)
      if (!tile) { tile = this.tile(view, place); this.sizer.append(tile) }
      const isHere = place === this.here
      tile.classList.toggle('here', isHere && document.activeElement === this.scroller)
      tile.setAttribute('aria-selected', this.selected.has(view.picture.id))
      tile.querySelector('.star').hidden = !view.isFavourite
      if (isHere) this.scroller.setAttribute('aria-activedescendant', tile.id)
    }
    this.bit('selection').hidden = this.selected.size === 0
    this.bit('selected').textContent = word('selected', this.selected.size)
  }

  async want(at) {
    if (this.pages.has(at)) return
    if (await this.fetch(at)) this.draw()
  }

  tile(view, place) {
    const { picture } = view
    const label = picture.seed != null ? word('seed', picture.seed) : picture.path.split('/').at(-1)
    const image = picture.kind === 'film' && /\.(mp4|webm)$/.test(picture.path)
      ? make('video', { src: `/api/pictures/${picture.id}/file`, muted: true, preload: 'metadata' })
      : make('img', { src: `/api/pictures/${picture.id}/file`, alt: label, loading: 'eager', decoding: 'async' })
    const tile = make('div', { className: 'tile', role: 'option', id: `tile-${place}`, data: { place } }, image, make('span', { className: 'star', ariaHidden: 'true' }, '★'))
    const { style } = tile
    style.width = style.height = `${this.side}px`
    style.transform = `translate(${(place % this.columns) * this.side}px, ${Math.floor(place / this.columns) * this.side}px)`
    return tile
  }

  // What is asked for

  click(event) {
    const batch = event.target.closest('[data-batch]')
    if (batch) return this.batch(batch.dataset.batch)
    if (event.target.closest('[data-new-board]')) return this.newBoard()
    const tile = event.target.closest('.tile')
    if (!tile) return
    const place = Number(tile.dataset.place)
    if (event.ctrlKey || event.metaKey) this.toggle(place)
    else if (event.shiftKey) for (let at = Math.min(place, this.here); at <= Math.max(place, this.here); at++) this.toggle(at, true)
    else this.open(place)
    this.here = place
    this.draw()
  }

  toggle(place, isOn) {
    const view = this.view(place)
    if (!view) return
    if (isOn ?? !this.selected.has(view.picture.id)) this.selected.set(view.picture.id, view)
    else this.selected.delete(view.picture.id)
  }

  key(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, Home: -this.here, End: this.total - 1 - this.here, PageDown: this.columns * 4, PageUp: -this.columns * 4 }
    if (event.key in steps) {
      this.here = Math.min(this.total - 1, Math.max(0, this.here + steps[event.key]))
      const top = Math.floor(this.here / this.columns) * this.side
      if (top < this.scroller.scrollTop) this.scroller.scrollTop = top
      if (top + this.side > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + this.side - this.scroller.clientHeight
    } else if (event.key === ' ') this.toggle(this.here)
    else if (event.key === 'Enter') this.open(this.here)
    else if (event.key === 'f') this.favourite([this.view(this.here)])
    else if (event.key === 'Delete' || event.key === 'x') this.trash([this.view(this.here)])
    else if (event.key === 'Escape') this.selected.clear()
    else return
    event.preventDefault()
    this.draw()
  }

  async favourite(views) {
    const isOn = !views.every(view => view.isFavourite)
    await this.mark('favourite', views, isOn)
    for (const view of views) view.isFavourite = isOn
    this.draw()
  }

  async trash(views) {
    const isOn = !views.every(view => view.isTrashed)
    await this.mark('trash', views, isOn)
    this.selected.clear()
    await this.search(true)
    toast(word(isOn ? 'trashed' : 'restored', views.length), async () => { await this.mark('trash', views, !isOn); this.search(true) })
  }

  mark(what, views, isOn) {
    return api('POST', `/api/pictures/${what}`, { pictures: views.map(view => view.picture.id), isOn }).catch(error => toast(error.message))
  }

  async batch(what) {
    const views = [...this.selected.values()]
    if (what === 'favourite') await this.favourite(views)
    else if (what === 'trash') await this.trash(views)
    else if (what === 'none') this.selected.clear()
    else if (what === 'compare') {
      if (views.length === 2) compare(views, this.viewer)
      else toast(word('compare.two'))
    }
    else if (what === 'tag') {
      const tags = prompt(word('tags'), views[0].tags.join(', '))
      if (tags != null) await api('POST', '/api/pictures/tags', { pictures: views.map(view => view.picture.id), tags: tags.split(',').map(tag => tag.trim()).filter(Boolean) }).catch(error => toast(error.message))
      await this.search(true)
    } else if (what === 'board') {
      const boards = await api('GET', '/api/boards')
      const name = prompt(word('whichBoard', boards.map(board => board.name).join(', ')), boards[0]?.name ?? '')
      if (name) {
        const board = boards.find(board => board.name === name) ?? await api('POST', '/api/boards', { name })
        await api('POST', `/api/boards/${board.id}/pictures`, { pictures: views.map(view => view.picture.id), isOn: true }).catch(error => toast(error.message))
        toast(word('onBoard', views.length, name))
      }
    }
    this.draw()
  }

  async newBoard() {
    const name = prompt(word('boardName'))
    if (!name) return
    try {
      const board = await api('POST', '/api/boards', { name })
      this.form.elements.board.add(new Option(board.name, board.id))
    } catch (error) { toast(error.message) }
  }

  // One picture

  open(place) {
    const view = this.view(place)
    if (!view) return
    this.here = place
    const { picture } = view
    const address = `/api/pictures/${picture.id}/file`
    const shown = picture.kind === 'film' && /\.(mp4|webm)$/.test(picture.path) ? make('video', { src: address, controls: true, loop: true, autoplay: true, muted: true }) : make('img', { src: address, alt: '' })
    this.viewer.querySelector('.stage').replaceChildren(shown)
    const words = Object.entries(JSON.parse(picture.words)).filter(([key]) => key !== 'Settings')
    const list = make('dl')
    for (const [key, value] of [[word('size'), `${picture.width} × ${picture.height}`], ...words]) list.append(make('dt', {}, key), make('dd', {}, value))
    const star = make('button', { type: 'button', className: 'button tiny' }, view.isFavourite ? `★ ${word('unfavourite')}` : `☆ ${word('favourite')}`)
    star.addEventListener('click', async () => { await this.favourite([view]); this.open(place) })
    const trash = make('button', { type: 'button', className: 'button tiny' }, word(view.isTrashed ? 'restore' : 'toTrash'))
    trash.addEventListener('click', () => { this.viewer.close(); this.trash([view]) })
    const close = make('button', { type: 'button', className: 'button tiny' }, word('close'))
    close.addEventListener('click', () => this.viewer.close())
    const again = make('a', { className: 'button primary', href: `/do/${picture.verb.replaceAll(' ', '-')}?again=${picture.id}` }, word('again'))
    const save = make('a', { className: 'button tiny', href: address, download: picture.path.split('/').at(-1) }, word('save'))
    const job = make('a', { className: 'button tiny', href: `/jobs/${picture.job}` }, word('job'))
    this.viewer.querySelector('.facts').replaceChildren(
      make('h2', {}, picture.seed != null ? word('seed', picture.seed) : picture.verb),
      make('p', { className: 'actions' }, again, star, trash, save, job, close), list,
      make('p', { className: 'quiet' }, view.tags.map(tag => `#${tag}`).join(' ')))
    if (!this.viewer.open) this.viewer.showModal()
  }

  viewerKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step && this.view(this.here + step)) { event.preventDefault(); this.open(this.here + step) }
    if (event.key === 'f') this.favourite([this.view(this.here)]).then(() => this.open(this.here))
  }
})
