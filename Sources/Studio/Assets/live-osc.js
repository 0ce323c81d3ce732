// Knobs: OSC that the studio hears on a UDP port. Learn: move a knob, then touch the slider that it is to move.
import { api, make, toast, word } from './api.js'

export class Knobs {
  constructor(page) {
    this.page = page
    page.button('osc').addEventListener('click', () => this.open())
    page.button('learn').addEventListener('click', () => this.learn(!this.isLearning))
  }

  async take() {
    try { this.show(await api('GET', '/api/live/osc')) } catch (error) { toast(error.message) }
  }

  async open() {
    const isOpen = this.page.button('osc').getAttribute('aria-pressed') !== 'true'
    try {
      this.show(await api('POST', '/api/live/osc', { isOpen, port: +this.page.bit('osc-port').value, isFromOthers: this.page.bit('osc-others').checked }))
    } catch (error) { toast(error.message) }
  }

  show(state) {
    const button = this.page.button('osc'), isOpen = state.port != null
    button.setAttribute('aria-pressed', isOpen)
    button.textContent = word(isOpen ? 'live.osc.close' : 'live.osc.open')
    if (isOpen) { this.page.bit('osc-port').value = state.port; this.page.bit('osc-others').checked = state.isFromOthers }
    this.page.bit('osc-port').disabled = this.page.bit('osc-others').disabled = isOpen
    this.page.bit('osc-heard').textContent = isOpen ? word('live.osc.waits', state.port) : ''
    this.page.bit('osc-map').replaceChildren(...state.entries.map(entry => {
      const forget = make('button', { type: 'button', className: 'reset', ariaLabel: word('live.remove'), title: word('live.remove'), textContent: '✕' })
      forget.addEventListener('click', () => this.teach({ track: entry.track }))
      return make('li', {}, make('code', {}, entry.address), make('span', { ariaHidden: true }, '→'), make('span', {}, this.page.sliders.label(entry.track)), forget)
    }))
  }

  hear({ address, argument, level }) {
    this.heard = { address, argument, most: Math.max(Math.abs(level), this.heard?.address === address ? this.heard.most : 0) }
    this.page.bit('osc-heard').textContent = `${address}  ${level.toFixed(3)}`
  }

  learn(isOn) {
    this.isLearning = isOn
    this.page.button('learn').setAttribute('aria-pressed', isOn)
    this.page.bit('sliders').classList.toggle('learning', isOn)
    if (isOn) this.page.bit('osc-heard').textContent = word('live.osc.learn')
  }

  /** A slider is touched. */
  touch(track) {
    if (!this.isLearning || !this.heard) return
    this.learn(false)
    // Knobs send 0 to 1; those of MIDI 0 to 127.
    const high = this.heard.most <= 1 ? 1 : this.heard.most <= 127 ? 127 : this.heard.most
    this.teach({ track: track.name, address: this.heard.address, argument: this.heard.argument, low: 0, high })
  }

  async teach(lesson) {
    try { this.show(await api('POST', '/api/live/osc/learn', lesson)) } catch (error) { toast(error.message) }
  }
}
