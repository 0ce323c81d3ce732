import Foundation
import StudioTestSupport
import Testing

/// The pages Set, Restyle and Film in a real browser.
@Suite(.serialized) struct MakingPageTests {
  /// Seeds are looked at on the map, one is made, filled under a mask, and the result is varied.
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func choosesSeedsOnTheMapAndEdits() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      let browser = try await Browser()
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      try browser.open("http://127.0.0.1:\(studio.port)/generate?run=model:\(emoji)")
      // Answers that come after the frames that they speak of, as on a busy machine.
      try browser.run(
        "const f = window.fetch; window.fetch = async (...a) => { const r = await f(...a); if (a[1]?.method === 'POST') await new Promise(d => setTimeout(d, 150)); return r }"
      )
      try browser.click("seed-map summary")
      try await browser.until(
        "forty pictures", seconds: 90, "document.querySelectorAll('.seed[data-is-drawn]').length === 40")
      try browser.keepScreenshot("map")
      // No two are alike, and the third is what `generate` makes of seed 2.
      let distinct = try browser.run(
        "return new Set([...document.querySelectorAll('.seed canvas')].map(c => c.toDataURL())).size")
      #expect(distinct as? Int == 40)
      let shown = try #require(
        try browser.run(
          "const c = document.querySelector('[data-seed=\"2\"] canvas'); return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        ) as? [Int])
      try browser.click("[data-seed='2']")
      #expect(try browser.run("return document.querySelector('[name=seeds]').value") as? String == "2")
      try browser.click("verb-form button[type=submit]")
      try await browser.until("the job's page", "location.pathname.startsWith('/jobs/')")
      let job = try #require(try browser.run("return location.pathname.split('/').at(-1)") as? String)
      _ = try await studio.ended(job)
      let picture = try await studio.first(of: job)
      let file = try studio.client.send("GET", "/api/pictures/\(picture)/file")
      try browser.open("http://127.0.0.1:\(studio.port)/edit?picture=\(picture)")
      try await browser.until("the mask", "document.querySelector('canvas.mask')")
      let made = try #require(
        try browser.run(
          "const i = document.querySelector('.mask-sheet img'), c = document.createElement('canvas'); c.width = i.naturalWidth; c.height = i.naturalHeight; c.getContext('2d').drawImage(i, 0, 0); return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        ) as? [Int])
      #expect(file.status == 200 && made.count == shown.count)
      let differences = zip(made, shown).map { abs($0 - $1) }
      #expect((differences.max() ?? 255) <= 2, "\(differences.max() ?? -1)")

      try browser.click("canvas.mask")
      try browser.click("[data-part=form] button[type=submit]")
      try await browser.until("it filled", seconds: 120, "document.querySelectorAll('before-after img').length === 2")
      try browser.keepScreenshot("edit")
      try browser.click("[data-do=on]")
      try await browser.until("the result as the picture", "document.querySelector('[data-part=result]').hidden")
      try browser.click("[name=tool][value=vary]")
      try browser.run("document.querySelector('[name=seeds]').value = '0-1'")
      #expect(
        try browser.run("return document.querySelector('[data-part=tools]').offsetParent === null") as? Bool == true)
      try browser.click("[data-part=form] button[type=submit]")
      try await browser.until(
        "two variations", seconds: 240,
        "document.querySelectorAll('[data-part=made] img').length === 2 && !document.querySelector('[data-part=result]').hidden"
      )
      try browser.keepScreenshot("vary")
      let complaints = try browser.complaints()
      #expect(complaints == [])
    }
  }

  /// A mask that is painted by mouse and keys changes what it covers, and nothing else; a film is made of favourites.
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func restylesUnderAMaskAndFilmsFavourites() async throws {
    try await withStudio { (studio: Served) async throws in
      let emoji = try await studio.emoji()
      let form = ["run": ["model:\(emoji)"], "seeds": ["3,7"]]
      let job = try #require(try studio.post("/api/jobs", ["verb": "generate", "values": form])["id"] as? String)
      _ = try await studio.ended(job)
      _ = try await wait(seconds: 20) {
        try (studio.json("/api/pictures?job=\(job)", as: [String: Any].self)["total"] as? Int) == 2
      }
      let page: [String: Any] = try studio.json("/api/pictures?job=\(job)")
      let rows = try #require(page["pictures"] as? [[String: Any]]).compactMap { $0["picture"] as? [String: Any] }
      let ids = rows.compactMap { $0["id"] as? String }
      _ = try studio.post("/api/pictures/favourite", ["pictures": ids, "isOn": true])

      let browser = try await Browser()
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      try browser.open("http://127.0.0.1:\(studio.port)/restyle")
      try browser.click("[data-pick=content] button:nth-child(1)")
      try browser.click("[data-pick=style] button:nth-child(2)")
      try await browser.until("the mask", "document.querySelector('canvas.mask')")
      let painter = "document.querySelector('mask-painter')"
      try browser.click("canvas.mask")
      #expect(try browser.run("return \(painter).isPainted") as? Bool == true)
      try browser.type("z", into: "canvas.mask")
      #expect(try browser.run("return \(painter).isPainted") as? Bool == false)
      // By keys: up, left, then a dab.
      let keys = String(repeating: "\u{E013}\u{E012}", count: 6) + "]]]] "
      try browser.type(keys, into: "canvas.mask")
      #expect(try browser.run("return \(painter).isPainted") as? Bool == true)
      try browser.click("[data-part=form] button[type=submit]")
      try await browser.until(
        "before and after", seconds: 120, "document.querySelectorAll('before-after img').length === 2")
      // The far corner is as it was, to a level or two; under the brush it is another.
      let differs = """
        const [after, before] = [...document.querySelectorAll('before-after img')].map(image => {
          const canvas = document.createElement('canvas'), context = canvas.getContext('2d')
          canvas.width = canvas.height = 64
          context.drawImage(image, 0, 0, 64, 64)
          return context.getImageData(0, 0, 64, 64).data
        })
        const at = (x, y) => Math.abs(before[4 * (64 * y + x)] - after[4 * (64 * y + x)]) + Math.abs(before[4 * (64 * y + x) + 2] - after[4 * (64 * y + x) + 2])
        let inside = 0, outside = 0
        for (let y = 0; y < 64; y++) for (let x = 0; x < 64; x++) { const d = at(x, y); if (y > 44) outside = Math.max(outside, d); else inside = Math.max(inside, d) }
        return [inside, outside]
        """
      try await browser.until(
        "both drawn", "[...document.querySelectorAll('before-after img')].every(image => image.naturalWidth > 0)")
      let change = try #require(try browser.run(differs) as? [Double])
      #expect(change[0] > 25 && change[1] < 12, "\(change)")

      try browser.open("http://127.0.0.1:\(studio.port)/film")
      try await browser.until(
        "favourites", "document.querySelectorAll('[data-part=favourites] button:not([hidden])').length === 2")
      try browser.click("[data-part=favourites] button:nth-child(1)")
      try browser.click("[data-part=favourites] button:nth-child(2)")
      try browser.run(
        "const f = document.querySelector('film-page'); f.form.elements.seconds.value = 1; f.spread(); f.draw(); f.form.elements.size.value = '256'"
      )
      try browser.type("\u{E014}", into: ".timeline .mark:last-child")
      #expect(try browser.run("return document.querySelector('film-page').keys.at(-1).at") as? Double == 0.6)
      try browser.click("[data-do=preview]")
      try await browser.until(
        "a sheet", seconds: 90, "document.querySelector('[data-part=screen] img')?.naturalWidth > 0")
      try browser.click("[data-do=film]")
      try await browser.until(
        "a film", seconds: 90, "document.querySelector('[data-part=screen] video')?.readyState > 0")

      // With a sound: clicks, half a second apart, of a recorder whose file has another's ending.
      try browser.run(
        """
        const rate = 8000, count = 2 * rate, data = new DataView(new ArrayBuffer(44 + 2 * count))
        const words = (at, text) => [...text].forEach((letter, i) => data.setUint8(at + i, letter.charCodeAt(0)))
        words(0, 'RIFF'); data.setUint32(4, 36 + 2 * count, true); words(8, 'WAVEfmt '); data.setUint32(16, 16, true)
        data.setUint16(20, 1, true); data.setUint16(22, 1, true); data.setUint32(24, rate, true)
        data.setUint32(28, 2 * rate, true); data.setUint16(32, 2, true); data.setUint16(34, 16, true)
        words(36, 'data'); data.setUint32(40, 2 * count, true)
        for (let at = 0; at < count; at++) data.setInt16(44 + 2 * at, at % (rate / 2) < 200 ? 20000 * Math.sin(at) : 0, true)
        const files = new DataTransfer()
        files.items.add(new File([data.buffer], 'song.mp3'))
        const input = document.querySelector('[data-part=sound-file]')
        input.files = files.files
        input.dispatchEvent(new Event('change'))
        """)
      try await browser.until(
        "the sound",
        "document.querySelector('film-page').sound.peaks && document.querySelector('film-page').form.elements.seconds.value === '2'"
      )
      try browser.click("[data-part=react]")
      let before = try #require(
        try browser.run("return document.querySelector('[data-part=screen] video').src") as? String)
      try browser.keepScreenshot("film-sound")
      try browser.click("[data-do=film]")
      try await browser.until(
        "a film with sound", seconds: 90,
        "document.querySelector('[data-part=screen] video')?.readyState > 0 && document.querySelector('[data-part=screen] video').src !== '\(before)'"
      )
      let films = try studio.json("/api/jobs", as: [[String: Any]].self).filter { $0["verb"] as? String == "film" }
      let words = films.compactMap { $0["words"] as? String }.first { $0.contains("--sound") } ?? ""
      #expect(words.contains("onset:path:0.5") && words.contains("low:zoom:0.3"), "\(words)")
      let complaints = try browser.complaints()
      #expect(complaints == [])
    }
  }

  /// Captions are written in place, duplicates set aside and put back; what was dropped is never touched.
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func mendsASet() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "faces"])["id"] as? String)
      let emoji = try Programs.emoji(6)
      for (name, path) in emoji + [emoji[0]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try studio.upload("/api/sets/\(set)/pictures?name=\(name)", data).status == 200)
      }
      _ = try studio.post("/api/sets/\(set)/done", [:])
      let job = try studio.post("/api/jobs", ["verb": "inspect", "values": ["pictures": ["set:\(set)"]]])
      _ = try await studio.ended(try #require(job["id"] as? String))
      let browser = try await Browser()
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      try browser.open("http://127.0.0.1:\(studio.port)/sets/\(set)")
      try browser.click("[data-picture]")
      try browser.type("a flag, waving", into: "dialog textarea")
      try browser.type("\u{E00F}", into: "dialog textarea")
      try await browser.until("the caption kept", "document.querySelector('[data-part=captions]').textContent === '1'")
      let first = try #require(
        try browser.run("return document.querySelector('[data-picture]').dataset.name") as? String)
      let text = studio.workspace + "/sets/faces/\((first as NSString).deletingPathExtension).txt"
      #expect(try String(contentsOfFile: text, encoding: .utf8) == "a flag, waving\n")
      try browser.run("document.querySelector('dialog').close()")

      try browser.click("[data-aside]")
      try await browser.until("it set aside", "document.querySelector('.toast button')")
      #expect(try FileManager.default.contentsOfDirectory(atPath: studio.workspace + "/aside/faces").count == 1)
      #expect(
        try (studio.json("/api/sets/\(set)", as: [String: Any].self)["set"] as? [String: Any])?["pictures"] as? Int == 6
      )
      try browser.run("window.isOld = true")
      try browser.click(".toast button")
      try await browser.until(
        "the page anew", "!window.isOld && document.querySelectorAll('[data-picture]').length === 7")
      #expect(try FileManager.default.contentsOfDirectory(atPath: studio.workspace + "/aside/faces").isEmpty)
      // A class is a folder of the set's copies; captions go along.
      try browser.open("http://127.0.0.1:\(studio.port)/sets/\(set)")
      try browser.click("[data-picture]")
      try browser.type("flags", into: "dialog input")
      try browser.run("document.querySelector('dialog').close()")
      let moved = studio.workspace + "/sets/faces/flags/\(first)"
      // One after the other.
      for path in [moved, (moved as NSString).deletingPathExtension + ".txt"] {
        #expect(await wait(seconds: 20) { FileManager.default.fileExists(atPath: path) })
      }
      try await browser.until(
        "its new name", "document.querySelector('[data-picture]').dataset.name === 'flags/\(first)'")
      for kind in ["../x", "a/b", ".x", "a\\b"] {
        let own = try #require(try browser.run("return document.querySelector('[data-picture]').dataset.picture"))
        _ = try studio.post("/api/sets/\(set)/classes", ["pictures": [own], "class": kind], status: 422)
      }
      // Ids, never paths; what isn't there is said.
      _ = try studio.post(
        "/api/sets/\(set)/classes", ["pictures": ["0123456789abcdef"], "class": "x"], status: 404)
      for body in [["pictures": ["../x"], "isOn": true], ["pictures": ["0123456789abcdef"], "isOn": true]]
        as [[String: Any]]
      {
        _ = try studio.post("/api/sets/\(set)/aside", body, status: 404)
      }
      _ = try studio.post("/api/sets/\(set)/captions", ["picture": "0123456789abcdef", "caption": "x"], status: 404)
      let complaints = try browser.complaints()
      #expect(complaints == [])
    }
  }
}
