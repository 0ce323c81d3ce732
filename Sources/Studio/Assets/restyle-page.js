// Restyle: content, style, a painted mask; the result beside the content by a line that is moved.
import { api, listen, make, word } from './api.js'
import './mask-painter.js'

customElements.define('restyle-page', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.painter = this.bit('painter')
    this.form = this.bit('form')
    this.chosen = {}
    for (const picker of this.querySelectorAll('[data-pick]')) {
      picker.addEventListener('click', event => {
        const button = event.target.closest('button')
        if (button) this.choose(picker.dataset.pick, `picture:${button.dataset.id}`, button.querySelector('img').src, button)
      })
    }
    for (const input of this.querySelectorAll('[data-upload]')) input.addEventListener('change', () => this.upload(input))
    const { strength } = this.form.elements
    strength.addEventListener('input', () => { strength.nextElementSibling.textContent = (+strength.value).toFixed(1) })
    this.form.addEventListener('submit', event => { event.preventDefault(); this.begin() })
    listen(job => { if (job.id === this.job) this.follow(job) })
  }

  choose(what, value, address, button) {
    this.chosen[what] = { value, address }
    for (const other of this.querySelectorAll(`[data-pick=${what}] button`)) other.setAttribute('aria-pressed', other === button)
    if (what === 'content') this.painter.show(address)
  }

  async upload(input) {
    const file = input.files[0], what = input.dataset.upload
    if (!file) return
    try {
      const { id } = await this.send(file, file.name)
      // The file that was chosen is shown from this browser: the server sends nothing back as it came.
      const address = URL.createObjectURL(file)
      const button = make('button', { type: 'button', title: file.name, ariaPressed: false }, make('img', { src: address, alt: file.name }))
      button.addEventListener('click', event => { event.stopPropagation(); this.choose(what, `upload:${id}`, address, button) })
      this.querySelector(`[data-pick=${what}]`).prepend(button)
      this.choose(what, `upload:${id}`, address, button)
    } catch (error) { this.bit('says').textContent = error.message }
  }

  async send(body, name) {
    const answer = await fetch(`/api/uploads?name=${encodeURIComponent(name)}`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body })
    const value = await answer.json()
    if (!answer.ok) throw new Error(value.error)
    return value
  }

  async begin() {
    const says = this.bit('says'), { content, style } = this.chosen
    if (!content || !style) { says.textContent = word('restyle.choose'); return }
    says.textContent = ''
    const values = { content: [content.value], style: [style.value], strength: [this.form.elements.strength.value] }
    if (this.form.elements.quick.checked) values.quick = ['true']
    try {
      if (this.painter.isPainted) {
        values.mask = [`upload:${(await this.send(await this.painter.blob(), 'mask.png')).id}`]
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
    if (!['done', 'stopped', 'refused', 'setAside'].includes(job.state) || this.shown === job.id) return
    progress.hidden = true
    if (job.state !== 'done') { this.bit('says').textContent = job.reason ?? word(`state.${job.state}`); return }
    this.shown = job.id
    for (let tries = 0; tries < 30; tries++) {
      const { pictures } = await api('GET', `/api/pictures?job=${job.id}`)
      if (pictures.length) {
        this.bit('result').hidden = false
        this.querySelector('before-after').show(this.before, `/api/pictures/${pictures[0].picture.id}/file`, word('restyle.line'))
        this.bit('result').scrollIntoView({ block: 'nearest' })
        return
      }
      await new Promise(done => setTimeout(done, 500))
    }
  }
})
