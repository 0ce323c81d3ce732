// Restyle: content, style, a painted mask; the result beside the content by a line that is moved.
import { api, listen, word } from './api.js'
import { Picking, ended, made, upload } from './picking.js'
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
    listen(job => { if (job.id === this.job) this.follow(job) })
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
      const job = await api('POST', '/api/jobs', { verb: 'restyle', values })
      this.job = job.id
      this.before = content.address
      this.bit('job').href = `/jobs/${job.id}`
      this.bit('progress').hidden = false
      this.follow(job)
    } catch (error) { says.textContent = error.message }
  }

  async follow(job) {
    const progress = this.bit('progress')
    if (job.fraction != null) progress.value = job.fraction
    else progress.removeAttribute('value')
    if (!ended.includes(job.state) || this.shown === job.id) return
    progress.hidden = true
    if (job.state !== 'done') { this.bit('says').textContent = job.reason ?? word(`state.${job.state}`); return }
    this.shown = job.id
    const [picture] = await made(job)
    if (!picture) return
    this.bit('result').hidden = false
    this.querySelector('before-after').show(this.before, `/api/pictures/${picture.id}/file`, word('restyle.line'))
    this.bit('result').scrollIntoView({ block: 'nearest' })
  }
})
