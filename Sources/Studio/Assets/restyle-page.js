// Restyle: content, style, a painted mask; the result beside the content by a line that is moved.
import { word } from './api.js'
import { Following, Picking, upload } from './picking.js'
import './mask-painter.js'

customElements.define('restyle-page', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.painter = this.bit('painter')
    this.form = this.bit('form')
    this.picking = new Picking(this, (what, address) => { if (what === 'content') this.painter.show(address) })
    const { strength } = this.form.elements
    strength.addEventListener('input', () => { strength.nextElementSibling.textContent = (+strength.value).toFixed(1) })
    this.form.addEventListener('submit', event => { event.preventDefault(); this.begin() })
    this.following = new Following(this, pictures => this.show(pictures))
  }

  async begin() {
    const says = this.bit('says'), { content, style } = this.picking.chosen
    if (!content || !style) { says.textContent = word('restyle.choose'); return }
    says.textContent = ''
    const values = { content: [content.value], style: [style.value], strength: [this.form.elements.strength.value] }
    if (this.form.elements.quick.checked) values.quick = ['true']
    try {
      if (this.painter.isPainted) {
        values.mask = [`upload:${(await upload(await this.painter.blob(), 'mask.png')).id}`]
        values['mask-fit'] = ['stretch']
      }
      this.before = content.address
      await this.following.begin('restyle', values)
    } catch (error) { says.textContent = error.message }
  }

  show([picture]) {
    this.bit('result').hidden = false
    this.querySelector('before-after').show(this.before, `/api/pictures/${picture.id}/file`, word('restyle.line'))
    this.bit('result').scrollIntoView({ block: 'nearest' })
  }
})
