// Edit: one picture, filled under a painted mask, varied, enlarged, or found in a generator's latents; what comes of it is edited on.
import { make, word } from './api.js'
import { Following, Picking, upload } from './picking.js'
import './mask-painter.js'

customElements.define('edit-page', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.painter = this.bit('painter')
    this.form = this.bit('form')
    this.picking = new Picking(this, (_, address) => this.painter.show(address))
    for (const slider of this.form.querySelectorAll('.slider input')) slider.addEventListener('input', () => { slider.nextElementSibling.textContent = (+slider.value).toFixed(2) })
    this.form.addEventListener('change', () => this.fit())
    this.form.addEventListener('submit', event => { event.preventDefault(); this.begin() })
    this.querySelector('[data-do=on]').addEventListener('click', () => this.goOn())
    this.following = new Following(this, pictures => this.offer(pictures))
    this.fit()
    const wanted = new URLSearchParams(location.search).get('picture')
    if (wanted) this.querySelector(`[data-pick=picture] [data-id="${CSS.escape(wanted)}"]`)?.click()
  }

  get tool() { return this.form.elements.tool.value }
  /** What fills or varies: nothing of its own, a diffusion model, or one that draws by words. */
  get kind() {
    const option = this.form.elements.with.selectedOptions[0]
    return !option.value ? 'patches' : 'words' in option.dataset ? 'words' : 'diffusion'
  }

  /** Shows what the tool needs. */
  fit() {
    const { tool, kind } = this
    const needs = { words: kind === 'words', maker: kind !== 'patches' && (tool === 'vary' || kind === 'words'), patches: kind === 'patches', seeds: kind !== 'patches' || tool === 'vary' }
    for (const part of this.querySelectorAll('[data-tool]')) {
      part.hidden = !part.dataset.tool.split(' ').includes(tool) || (part.dataset.needs && !needs[part.dataset.needs])
    }
    this.painter.classList.toggle('unmasked', tool !== 'fill')
    this.bit('more').href = `/do/${tool}`
  }

  async values() {
    const { tool, kind } = this, { elements } = this.form, { value } = this.picking.chosen.picture
    if (tool === 'enlarge') return { pictures: [value], scale: [elements.scale.value] }
    if (tool === 'project') return { source: [elements.source.value], pictures: [value] }
    const values = { picture: [value] }
    if (kind !== 'patches') values.with = [elements.with.value]
    if (kind === 'words') values.prompt = [elements.prompt.value]
    if (kind !== 'patches' && (tool === 'vary' || kind === 'words')) values.strength = [elements.strength.value]
    if (tool === 'vary' && kind === 'patches') values.diversity = [elements.diversity.value]
    if (tool === 'vary' || kind !== 'patches') values.seeds = [elements.seeds.value.trim() || '0']
    if (tool === 'fill') values.mask = [`upload:${(await upload(await this.painter.blob(), 'mask.png')).id}`]
    return values
  }

  async begin() {
    const says = this.bit('says')
    says.textContent = ''
    if (!this.picking.chosen.picture) { says.textContent = word('edit.choose'); return }
    if (this.tool === 'fill' && !this.painter.isPainted) { says.textContent = word('edit.paint'); return }
    if (['fill', 'vary'].includes(this.tool) && this.kind === 'words' && !this.form.elements.prompt.value.trim()) { says.textContent = word('edit.prompt'); return }
    try {
      const values = await this.values()
      this.before = this.picking.chosen.picture.address
      this.isAlike = ['fill', 'enlarge'].includes(this.tool)
      await this.following.begin(this.tool, values)
    } catch (error) { says.textContent = error.message }
  }

  offer(pictures) {
    const strip = this.bit('made')
    strip.replaceChildren(...pictures.map(picture => {
      const name = picture.path.split('/').at(-1)
      const button = make('button', { type: 'button', title: name, ariaPressed: false }, make('img', { src: `/api/pictures/${picture.id}/file`, alt: name, loading: 'lazy' }))
      button.addEventListener('click', () => this.show(picture, button))
      return button
    }))
    strip.hidden = pictures.length < 2
    this.show(pictures[0], strip.firstElementChild)
    this.bit('result').hidden = false
    this.bit('result').scrollIntoView({ block: 'nearest' })
  }

  show(picture, button) {
    this.made = picture
    for (const other of this.bit('made').children) other.setAttribute('aria-pressed', other === button)
    const address = `/api/pictures/${picture.id}/file`, box = this.querySelector('before-after')
    if (this.isAlike) box.show(this.before, address, word('restyle.line'))
    else box.replaceChildren(make('img', { src: address, alt: picture.path.split('/').at(-1) }))
  }

  /** The result becomes the picture that is edited. */
  goOn() {
    const { id, path } = this.made, address = `/api/pictures/${id}/file`, name = path.split('/').at(-1)
    const button = make('button', { type: 'button', title: name, ariaPressed: true, data: { id } }, make('img', { src: address, alt: name }))
    this.querySelector('[data-pick=picture]').prepend(button)
    this.picking.choose('picture', `picture:${id}`, address, button)
    this.bit('result').hidden = true
    this.painter.scrollIntoView({ block: 'nearest' })
  }
})
