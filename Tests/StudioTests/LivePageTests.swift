import Foundation
import StudioTestSupport
import Testing

/// The page Live in a real browser, with the real `atelier live` behind it.
@Suite(.serialized) struct LivePageTests {
  private static let show = "document.querySelector('live-show')"

  /// By slider, pad, key, microphone and knob; recorded; a film by one click.
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func aGeneratorIsPlayed() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      // Chromium's own microphone: a beep a second.
      let browser = try await Browser(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"])
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      try browser.open("http://127.0.0.1:\(studio.port)/live?run=model:\(emoji)")
      try browser.click(".play-begin button[type=submit]")
      let show = Self.show
      try await browser.until("a frame", "\(show).frames.total > 0 && \(show).dataset.state === 'on'")
      func picture() throws -> String? {
        try browser.run("return document.querySelector('canvas').toDataURL()") as? String
      }
      func moves(_ what: String, _ act: () throws -> Void) async throws {
        let before = try picture()
        try act()
        #expect(try await wait(seconds: 10) { try picture() != before }, "\(what) moves nothing")
      }
      try await moves("a slider's key") { try browser.type("\u{E014}\u{E014}", into: "[data-track=zoom] input") }
      try await moves("the pad") { try browser.type("\u{E014}\u{E014}\u{E014}", into: ".pad") }
      try await moves("a key") { try browser.type("3", into: ".pad") }

      // The figures are printed; what is asked of them holds on a machine that does ten other things, too.
      for step in 0..<15 {
        try browser.run("\(show).sliders.set({ truncation: \(0.3 + Double(step) / 30) })")
        rest(0.12)
      }
      try browser.run("\(show).sliders.set({ speed: 0.8 })")
      rest(2)
      let facts = try browser.run("return [\(show).frames.rate, \(show).frames.latency]") as? [Double] ?? []
      print("Live page: \(facts.first ?? 0) frames/s, \(facts.last ?? 0) ms from slider to picture")
      try #require(facts.count == 2)
      #expect(facts[0] >= 1 && facts[1] < 3000)

      // The microphone moves what it is given.
      try browser.run("document.querySelectorAll('details').forEach(part => { part.open = true })")
      try browser.run("\(show).sliders.set({ speed: 0 })")
      try browser.click("[data-do=microphone]")
      try await browser.until(
        "something heard", "[...document.querySelectorAll('meter')].some(meter => meter.value > 0.3)")
      let total = try browser.run("return \(show).frames.total") as? Int ?? 0
      try await browser.until("frames by sound", "\(show).frames.total > \(total + 10)")
      try browser.click("[data-do=microphone]")

      // A knob is learned: it is moved, then a slider is touched.
      try browser.run("document.querySelector('[data-part=osc-port]').value = 0")
      try browser.click("[data-do=osc]")
      try await browser.until(
        "the port", "document.querySelector('[data-do=osc]').getAttribute('aria-pressed') === 'true'")
      let port = try #require(try studio.json("/api/live/osc", as: [String: Any].self)["port"] as? Int)
      try browser.click("[data-do=learn]")
      try UDP.send(OSCTests.message("/1/rotary1", 0.5), to: port)
      try await browser.until(
        "the knob", "document.querySelector('[data-part=osc-heard]').textContent.includes('rotary1')")
      try browser.click("[data-track=turn] input")
      try await browser.until(
        "it learned", "document.querySelector('[data-part=osc-map] code')?.textContent === '/1/rotary1'")
      try UDP.send(OSCTests.message("/1/rotary1", 0.75), to: port)
      try await browser.until("the slider moved", "\(show).sliders.values.turn === 90")

      // Recorded, and a film by one click.
      try browser.click("[data-do=record]")
      try await browser.until(
        "the lamp", "document.querySelector('[data-do=record]').getAttribute('aria-pressed') === 'true'")
      try browser.run("\(show).sliders.set({ speed: 1 })")
      rest(1)
      try browser.click("[data-do=record]")
      try await browser.until("the recording", "document.querySelector('[data-part=recordings] li.new button')")
      try browser.click("[data-part=recordings] li.new button")
      try await browser.until("the film's job", "document.querySelector('[data-part=recordings] li a')")
      let job = try #require(try studio.json("/api/jobs", as: [[String: Any]].self).first?["id"] as? String)
      #expect(try await studio.ended(job)["state"] as? String == "done")

      // The page is loaded again, and finds its show; then it is ended.
      try browser.run("location.reload()")
      try await browser.until("the show again", "\(show)?.dataset.state === 'on' && \(show).frames.total > 0")
      try browser.click("[data-do=end]")
      try await browser.until("its end", "\(show).dataset.state === 'off'")
      let complaints = try browser.complaints()
      #expect(complaints == [])
    }
  }
}
