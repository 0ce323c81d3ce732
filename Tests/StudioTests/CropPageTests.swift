import Foundation
import StudioTestSupport
import Testing

/// Crops by hand in the page of a set: drawn, moved, taken away, carried along; the picture's file stays as it is.
@Suite struct CropPageTests {
  @Test(.enabled(if: Browser.program != nil, Browser.missing))
  func aPartIsDrawnAndLearnedFrom() async throws {
    try await withStudio { (studio: Served) async throws in
      let set = try #require(try studio.post("/api/sets", ["name": "views"])["id"] as? String)
      let data = try Data(contentsOf: URL(fileURLWithPath: Programs.root + "/Tests/Fixtures/scene.jpg"))
      for name in ["one.jpg", "two.jpg"] {
        #expect(try studio.upload("/api/sets/\(set)/pictures?name=\(name)", data).status == 200)
      }
      let large = try Data(contentsOf: URL(fileURLWithPath: Programs.root + "/Tests/Fixtures/large.jpg"))
      #expect(try studio.upload("/api/sets/\(set)/pictures?name=zoo.jpg", large).status == 200)
      _ = try studio.post("/api/sets/\(set)/done", [:])
      func inspected() async throws -> [String: Any] {
        let job = try studio.post("/api/jobs", ["verb": "inspect", "values": ["pictures": ["set:\(set)"]]])
        _ = try await studio.ended(try #require(job["id"] as? String))
        return try #require(try studio.json("/api/sets/\(set)", as: [String: Any].self)["report"] as? [String: Any])
      }
      #expect(try await inspected()["cropped"] == nil)
      // Crops are drawn on a copy that is sharp on a screen; a small picture has none but its thumbnail.
      func kindOfPreview(_ name: String) throws -> String? {
        let all = try studio.json("/api/sets/\(set)/pictures", as: [[String: Any]].self)
        let id = try #require(all.first { $0["name"] as? String == name }?["id"] as? String)
        return try studio.client.send("GET", "/api/sets/\(set)/previews/\(id)").fields["content-type"]
      }
      #expect(try kindOfPreview("zoo.jpg") == "image/webp" && kindOfPreview("one.jpg") == "image/png")

      let browser = try await Browser()
      defer { browser.close() }
      try browser.open(try #require(try RunningToken.new(studio)))
      try browser.open("http://127.0.0.1:\(studio.port)/sets/\(set)")
      try browser.click("[data-picture]")
      try await browser.until("the picture", "document.querySelector('crop-box img')?.naturalWidth > 0")
      // All of the picture, in its own shape.
      let facts = try #require(
        try browser.run(
          "const i = document.querySelector('crop-box img'), b = i.getBoundingClientRect(); return [i.naturalWidth / i.naturalHeight, b.width / b.height]"
        ) as? [Double])
      #expect(abs(facts[0] - 1.5) < 0.02 && abs(facts[1] - facts[0]) < 0.02, "\(facts)")

      try browser.drag("crop-box img", from: (0.2, 0.1), to: (0.6, 0.4))
      try browser.keepScreenshot("crop")
      // A square, as large as the hand went.
      let square = try #require(
        try browser.run("const c = document.querySelector('crop-box').crop; return [c.left, c.top, c.width, c.height]")
          as? [Double])
      #expect(abs(square[0] - 0.2) < 0.01 && abs(square[1] - 0.1) < 0.015 && abs(square[2] - 0.4) < 0.01, "\(square)")
      #expect(abs(square[3] - 0.6) < 0.015, "\(square)")
      // Moved by its middle, then by the keys.
      try browser.drag("crop-box img", from: (0.4, 0.4), to: (0.5, 0.5))
      try browser.type("\u{E012}", into: ".crop-frame")
      let moved = try #require(
        try browser.run("const c = document.querySelector('crop-box').crop; return [c.left, c.top]") as? [Double])
      #expect(abs(moved[0] - 0.28) < 0.015 && abs(moved[1] - 0.2) < 0.015, "\(moved)")
      try browser.run("document.querySelector('dialog').close()")
      let folder = studio.workspace + "/sets/views"
      let file = folder + "/one.jpg.crop"
      #expect(await wait(seconds: 20) { FileManager.default.fileExists(atPath: file) })
      let numbers = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isWhitespace).compactMap {
        Double($0)
      }
      #expect(numbers.count == 4 && abs(numbers[0] - moved[0]) < 1e-4)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder + "/one.jpg"))
          == Data(contentsOf: URL(fileURLWithPath: folder + "/two.jpg")))
      // What the verbs see.
      let report = try await inspected()
      #expect(report["cropped"] as? Int == 1 && (report["duplicates"] as? [Any])?.isEmpty == true, "\(report)")

      // It is there again, and goes with its picture: into a class, aside, and back.
      try browser.open("http://127.0.0.1:\(studio.port)/sets/\(set)")
      try await browser.until("its mark", "document.querySelectorAll('.picture.cropped').length === 1")
      let pictures = try studio.json("/api/sets/\(set)/pictures", as: [[String: Any]].self)
      let one = try #require(pictures.first { $0["name"] as? String == "one.jpg" }?["id"] as? String)
      _ = try studio.post("/api/sets/\(set)/classes", ["pictures": [one], "class": "sea"])
      #expect(FileManager.default.fileExists(atPath: folder + "/sea/one.jpg.crop"))
      let there = try studio.json("/api/sets/\(set)/pictures", as: [[String: Any]].self)
      let now = try #require(there.first { $0["name"] as? String == "sea/one.jpg" })
      #expect((now["crop"] as? [String: Double])?["left"] == numbers[0])
      let id = try #require(now["id"] as? String)
      let aside = try studio.post("/api/sets/\(set)/aside", ["pictures": [id], "isOn": true])
      #expect(aside["aside"] as? Int == 1)
      #expect(FileManager.default.fileExists(atPath: studio.workspace + "/aside/views/sea/one.jpg.crop"))
      _ = try studio.post("/api/sets/\(set)/aside", ["pictures": [id], "isOn": false])
      #expect(FileManager.default.fileExists(atPath: folder + "/sea/one.jpg.crop"))

      let zoo = try #require(there.first { $0["name"] as? String == "zoo.jpg" }?["id"] as? String)
      _ = try studio.post("/api/sets/\(set)/classes", ["pictures": [zoo], "class": "sea"])
      #expect(try kindOfPreview("sea/zoo.jpg") == "image/webp")

      // All of it again, by a click.
      try browser.open("http://127.0.0.1:\(studio.port)/sets/\(set)")
      try browser.click(".picture.cropped")
      try await browser.until("the frame", "document.querySelector('.crop-frame:not(.whole)')")
      try browser.run(
        "[...document.querySelectorAll('dialog .actions button')].find(b => b.previousElementSibling?.tagName === 'LABEL').click()"
      )
      try browser.run("document.querySelector('dialog').close()")
      #expect(await wait(seconds: 20) { !FileManager.default.fileExists(atPath: folder + "/sea/one.jpg.crop") })

      let whole = ["left": 0.0, "top": 0, "width": 1, "height": 1]
      for bad in [["left": 0.6], ["width": 0], ["height": -1], ["top": 1]] as [[String: Double]] {
        _ = try studio.post(
          "/api/sets/\(set)/crops", ["picture": id, "crop": whole.merging(bad) { $1 }], status: 422)
      }
      _ = try studio.post("/api/sets/\(set)/crops", ["picture": "0123456789abcdef", "crop": whole], status: 404)
      let complaints = try browser.complaints()
      #expect(complaints == [])
    }
  }
}
