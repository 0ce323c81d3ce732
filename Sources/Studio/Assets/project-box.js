// A project goes out as one zip, and comes in.
import { api, make, toast, word } from './api.js'

customElements.define('project-box', class extends HTMLElement {
  connectedCallback() {
    this.bit = name => this.querySelector(`[data-part="${name}"]`)
    this.bit('pack').addEventListener('submit', event => { event.preventDefault(); this.pack() })
    this.bit('zip').addEventListener('change', event => this.take(event.target.files[0]))
  }

  async pack() {
    const form = this.bit('pack'), output = form.querySelector('output'), button = form.querySelector('[type=submit]')
    const chosen = name => {
      const boxes = [...form.querySelectorAll(`[name=${name}]`)]
      // All of them is said by saying nothing: recordings go along then.
      return boxes.every(box => box.checked) ? undefined : boxes.filter(box => box.checked).map(box => box.value)
    }
    button.disabled = true
    output.textContent = word('project.packing')
    try {
      const card = await api('POST', '/api/projects', { name: form.elements.name.value, sets: chosen('sets'), runs: chosen('runs'), pictures: form.elements.pictures.value })
      output.textContent = ''
      this.bit('packed').prepend(make('li', {}, make('strong', {}, `${card.name}.zip`), make('span', { className: 'quiet' }, `${Math.ceil(card.bytes / 1e6)} MB`),
        make('a', { className: 'button tiny', href: `/api/projects/${card.id}/file`, download: '' }, word('save'))))
    } catch (error) { output.textContent = error.message }
    button.disabled = false
  }

  /** By XMLHttpRequest, which tells how far an upload is. */
  take(file) {
    if (!file) return
    const progress = this.bit('progress'), taken = this.bit('taken'), request = new XMLHttpRequest()
    progress.hidden = false
    taken.textContent = ''
    request.open('POST', '/api/projects/import')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.addEventListener('progress', event => { progress.value = event.loaded / event.total })
    request.addEventListener('loadend', () => {
      progress.hidden = true
      let answer = {}
      try { answer = JSON.parse(request.responseText) } catch { answer.error = word('gone') }
      if (request.status !== 200) { taken.textContent = answer.error; return }
      const words = [word('project.taken', answer.sets.length, answer.runs.length, answer.pictures)]
      if (answer.here.length) words.push(word('project.here', answer.here.join(', ')))
      taken.textContent = words.join(' ')
      toast(words[0])
    })
    request.send(file)
  }
})
