// Sends a verb's form as a job. The form itself was drawn by the server from the command line's own description.
import { api, word } from './api.js'

customElements.define('verb-form', class extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form'), output = this.querySelector('output')
    for (const input of this.querySelectorAll('[data-upload]')) {
      input.addEventListener('change', async () => {
        const file = input.files[0]
        if (!file) return
        output.textContent = word('taking')
        const answer = await fetch(`/api/uploads?name=${encodeURIComponent(file.name)}`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file })
        const value = await answer.json()
        output.textContent = answer.ok ? '' : value.error
        if (answer.ok) document.getElementById(input.dataset.upload).add(new Option(value.name, `upload:${value.id}`, true, true))
      })
    }
    form.addEventListener('submit', async event => {
      event.preventDefault()
      const values = {}
      for (const [name, value] of new FormData(form)) if (typeof value === 'string' && value !== '') (values[name] ??= []).push(value)
      output.textContent = ''
      try {
        const job = await api('POST', '/api/jobs', { verb: this.dataset.verb, values })
        location = `/jobs/${job.id}`
      } catch (error) { output.textContent = error.message; output.scrollIntoView({ block: 'center' }) }
    })
    // A generator of seeds knows no words, and a model of words no truncation: what doesn't fit is neither shown nor sent.
    const generator = form.elements.run ?? form.elements.with
    if (generator?.options) {
      generator.addEventListener('change', () => this.fit(generator))
      this.fit(generator)
    }
    // What is sought by a list of recipes carries the settings that a form already had.
    this.addEventListener('htmx:configRequest', event => {
      for (const input of this.querySelectorAll('#recipe-settings input[type=hidden]')) event.detail.parameters[input.name] = input.value
    })
  }

  fit(generator) {
    const isOfWords = 'words' in (generator.selectedOptions[0]?.dataset ?? {})
    for (const field of this.querySelectorAll('[data-group]')) {
      field.hidden = (field.dataset.group === 'words') !== isOfWords
      for (const input of field.querySelectorAll('input, select')) input.disabled = field.hidden
    }
    // Of a GAN sixteen pictures take a second, of a large model an hour.
    const { seeds } = generator.form.elements
    if (isOfWords && seeds?.value === '0-15') seeds.value = '0'
  }
})
