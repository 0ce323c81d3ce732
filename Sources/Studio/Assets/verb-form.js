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
    // What is sought by a list of recipes carries the settings that a form already had.
    this.addEventListener('htmx:configRequest', event => {
      for (const input of this.querySelectorAll('#recipe-settings input[type=hidden]')) event.detail.parameters[input.name] = input.value
    })
  }
})
