import Foundation
import StudioTestSupport
import Testing

/// The way of an artist by mouse and keyboard, in a real browser.
@Suite(.serialized) struct BrowserTests {
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func fromPicturesToAFavourite() async throws {
    try await withStudio { (studio: Served) async throws in
      let browser = try await Browser()
      defer { browser.close() }
      let token = try #require(try RunningToken.new(studio))
      try browser.open(token)
      try await browser.until("the start page", "document.querySelector('drop-zone form')")

      // Pictures are chosen, taken in and looked at.
      try browser.type(Programs.emoji(40).map(\.path).joined(separator: "\n"), into: "input[name=files]")
      try await browser.until("the set", "location.pathname.startsWith('/sets/')")
      try await browser.until("its thumbnails", "document.querySelectorAll('.grid img').length === 40")
      try await browser.until(
        "its report", "document.querySelector('.notice') && !document.querySelector('[data-follow]')")

      // They are trained on; the page shows samples and a plot.
      try browser.click(".heading a.primary")
      try await browser.until("the form", "document.querySelector('verb-form')")
      #expect(
        try (browser.run("return document.querySelector('#f-pictures').value") as? String)?.hasPrefix("set:") == true)
      try browser.run(
        "const f = document.querySelector('verb-form form'); f.elements.minutes.value = '0.1'; f.elements['save-every'].value = '0.02'; f.elements.recipe.value = 'dcgan'; f.elements.size.value = '32'; f.elements['no-best'].checked = true; f.requestSubmit()"
      )
      try await browser.until("the job", "location.pathname.startsWith('/jobs/')")
      try await browser.until("a sheet of samples", "document.querySelector('[data-part=sheet]').naturalWidth > 0")
      // With its first checkpoint, on the page that is open.
      try await browser.until("Finish", "document.querySelector('[data-act=finish]')")
      try await browser.until("its end", "document.querySelector('[data-part=state]').dataset.state === 'done'")
      try await browser.until("a plot", "document.querySelector('.plot canvas')")

      // Its generator makes pictures, which are in the gallery.
      try browser.click("[data-part=generate]")
      try await browser.until("the form", "document.querySelector('#f-run')?.value.startsWith('run:')")
      try browser.click("verb-form button[type=submit]")
      try await browser.until(
        "sixteen pictures",
        "[...document.querySelectorAll('[data-part=made] img')].filter(i => i.naturalWidth > 0).length === 16")
      try browser.open("http://127.0.0.1:\(studio.port)/gallery")
      try await browser.until("the gallery", "document.querySelectorAll('.tile img').length >= 16")
      try browser.type("f", into: ".scroller")
      try await browser.until("a favourite", "[...document.querySelectorAll('.star')].some(star => !star.hidden)")
      try browser.type("x", into: ".scroller")
      try await browser.until("it in the trash", "document.querySelector('.toast button')")
      try browser.click(".toast button")
      try browser.click("[name=favourites]")
      try await browser.until("it undone", "document.querySelectorAll('.tile').length === 1")
      try browser.type("\u{E007}", into: ".scroller")
      try await browser.until("the picture", "document.querySelector('dialog').open")
      try browser.click("dialog a.primary")
      try await browser.until(
        "the same again",
        "document.querySelector('#f-seeds')?.value.length > 0 && !document.querySelector('#f-seeds').value.includes('-')"
      )

      // The other language, by a control in its own name; a phone; nothing that the policy forbids.
      try browser.click("[data-language=zh]")
      try await browser.until("Chinese", "document.documentElement.lang === 'zh' && document.title.includes('生成')")
      try browser.resize(390, 844)
      for path in ["/", "/gallery", "/queue", "/models", "/more"] {
        try browser.open("http://127.0.0.1:\(studio.port)\(path)")
        try await browser.until("room on a phone", "document.documentElement.scrollWidth <= innerWidth + 1")
      }
      let complaints = try browser.complaints()
      #expect(complaints == [])
      let elsewhere =
        try browser.run(
          "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))"
        ) as? [String]
      #expect(elsewhere == [])
    }
  }
}

/// Another address for another browser, as a second `atelier studio` gives it.
enum RunningToken {
  static func new(_ studio: Served) throws -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Programs.studio)
    process.arguments = ["serve", "--workspace", studio.workspace, "--atelier", Programs.atelier, "--json"]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    let data = out.fileHandleForReading.readDataToEndOfFile()
    process.awaitEnd()
    return (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["address"] as? String
  }
}
