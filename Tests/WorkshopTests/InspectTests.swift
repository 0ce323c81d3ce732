import Foundation
import Media
import TestSupport
import Testing
import Torch
import Training
@testable import Workshop

/// The pictures of Tests/Fixtures.
enum Fixtures {
  static func path(_ name: String) -> String { Checkout.path("Tests/Fixtures/\(name)") }
  static let emoji = Checkout.emoji
}

/// A folder of pictures and other things, and a workspace, for one test.
final class Studio {
  let root: String
  var pictures: String { root + "/pictures" }
  var workspace: Workspace { Workspace(root + "/workspace") }

  init(_ names: String...) throws {
    root = temporaryPath("atelier")
    try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
    for name in names { try put(name) }
  }
  deinit { try? FileManager.default.removeItem(atPath: root) }

  func put(_ fixture: String, as name: String? = nil) throws {
    let path = "\(pictures)/\(name ?? fixture)"
    try AtomicFile.makeFolder((path as NSString).deletingLastPathComponent)
    try FileManager.default.copyItem(atPath: Fixtures.path(fixture), toPath: path)
  }

  func zipped(_ name: String = "pictures.zip") throws -> String {
    let zip = Process()
    zip.executableURL = URL(filePath: "/usr/bin/env")
    zip.arguments = ["python3", "-m", "zipfile", "-c", "\(root)/\(name)", "\(pictures)/."]
    try zip.run()
    zip.waitUntilExit()
    return "\(root)/\(name)"
  }
}

@Suite struct InspectTests {
  @Test func aMixedFolderIsToldInWords() throws {
    let studio = try Studio(
      "scene.jpg", "again.jpg", "parrot.png", "violin.png", "grey.png", "moving.gif", "short.jpg", "words.png",
      "nothing.png", "bomb.png")
    try studio.put("scene.jpg", as: "twice/copy.jpg")
    try studio.put("turned6.jpg", as: "twice/turned.jpg")
    try studio.put("scene.tif", as: "without-a-name")
    try studio.put("scene.jpg", as: ".hidden.jpg")
    try studio.put("words.png", as: "notes.txt")
    try FileManager.default.createSymbolicLink(atPath: studio.pictures + "/loop", withDestinationPath: "..")
    try FileManager.default.createSymbolicLink(atPath: studio.pictures + "/lost.jpg", withDestinationPath: "nowhere")
    let sheet = studio.root + "/out/sheet.png"
    var steps: [Int] = []
    let found = try inspect(studio.pictures, InspectRequest(sheet: sheet)) { found in
      Advice(recipe: "dcgan", size: found.size, minutes: 20, words: "dcgan would learn these in 20 minutes.")
    } tell: {
      if case .progress(let progress) = $0 { steps.append(progress.done) }
    }
    #expect(found.pictures == 9)
    #expect(found.formats == ["JPEG": 4, "PNG": 3, "GIF": 1, "TIFF": 1])
    let damaged = [
      "bomb.png claims 100000 by 100000 pixels, more than 100 megapixels", "lost.jpg is a link to nothing",
      "nothing.png is empty", "short.jpg is cut short", "words.png isn't a picture",
    ]
    #expect(found.damaged.map { "\($0.name) \($0.reason)" }.sorted() == damaged)
    #expect(found.duplicates == [["scene.jpg", "twice/copy.jpg"]])
    #expect(found.nearDuplicates == [["again.jpg", "scene.jpg", "twice/turned.jpg", "without-a-name"]])
    #expect(found.distinct == 5)
    #expect(found.greyAmongColour == ["grey.png"] && !found.isAllGrey)
    #expect(found.tooSmall == ["again.jpg", "grey.png"])
    #expect(found.transparent == ["parrot.png", "violin.png"])
    #expect(found.animated == ["moving.gif"])
    #expect((found.hidden, found.others) == (1, 1))
    #expect(found.smallest == Inspection.Extent(name: "grey.png", width: 28, height: 28))
    #expect(found.largest == Inspection.Extent(name: "violin.png", width: 136, height: 128))
    #expect(steps == Array(1...13))
    let drawn = try Picture.load(sheet)
    #expect(drawn.width == 4 * 100 + 4 && drawn.height == 3 * 100 + 4)

    let words = found.report
    #expect(words.first == "9 pictures (4 JPEG, 3 PNG, 1 GIF, 1 TIFF), 28 × 28 to 136 × 128, typically 64 pixels.")
    #expect(words.contains("2 pictures are the same picture: scene.jpg = twice/copy.jpg."))
    #expect(words.contains("1 picture moves: only its first frame is used: moving.gif."))
    #expect(words.contains("dcgan would learn these in 20 minutes."))
    #expect(words.last == "The contact sheet is \(sheet).")
    let json = try JSONEncoder().encode(found)
    #expect(try JSONDecoder().decode(Inspection.self, from: json).report == words)

    #expect(throws: FileError.exists(path: sheet)) { _ = try inspect(studio.pictures, InspectRequest(sheet: sheet)) }
  }

  /// A page shows the small ones; crops are drawn on the other, which a picture that is small itself doesn't need.
  @Test func copiesForPages() throws {
    let studio = try Studio("scene.jpg", "large.jpg")
    var request = InspectRequest()
    request.thumbnails = studio.root + "/small"
    _ = try inspect(studio.pictures, request, in: studio.workspace)
    let files = try FileManager.default.contentsOfDirectory(atPath: studio.root + "/small")
    let sizes = try files.map { name in
      let picture = try Picture.load("\(studio.root)/small/\(name)")
      return "\((name as NSString).pathExtension) \(picture.width) \(picture.height)"
    }
    #expect(sizes.sorted() == ["png 256 171", "png 96 64", "webp 960 640"])
  }

  @Test func onePixelDecidesWhatIsExact() throws {
    let studio = try Studio("scene.jpg")
    // The same pixels in another file, and one pixel changed by more than can be seen at 32 by 32.
    let scene = try Picture.load(Fixtures.path("scene.jpg"))
    try scene.write(studio.pictures + "/same.png")
    try scene.write(studio.pictures + "/titled.png", text: [(key: "Title", value: "Another")])
    var bytes = scene.bytes
    bytes[3000] ^= 1
    try Picture(width: 96, height: 64, channels: 3, bytes: bytes).write(studio.pictures + "/touched.png")
    let found = try inspect(studio.pictures)
    #expect(found.duplicates == [["same.png", "scene.jpg", "titled.png"]])
    #expect(found.nearDuplicates == [["same.png", "touched.png"]])
  }

  /// Three thousand files: a thousand of one picture, half of them saved in another way; a thousand that look like another;
  /// and a thousand of their own.
  @Test func aThousandOfOnePictureAreOneGroup() throws {
    let studio = try Studio()
    var noise = Noise(seed: 2)
    func random(_ side: Int) -> Picture {
      let bytes = noise.integers(below: 256, count: side * side * 3).map { UInt8($0) }
      return Picture(width: side, height: side, channels: 3, bytes: bytes)
    }
    let (one, other) = (random(8), random(8))
    func name(_ kind: String, _ i: Int) -> String { "\(kind)-\(String(1000 + i)).png" }
    for i in 0..<1000 {
      let words = i % 2 == 0 ? [] : [(key: "Title", value: "\(i)")]
      try one.write("\(studio.pictures)/\(name("one", i))", text: words, isSynced: false)
      var bytes = other.bytes
      bytes[i % 192] ^= UInt8(1 + i / 192)
      try Picture(width: 8, height: 8, channels: 3, bytes: bytes)
        .write("\(studio.pictures)/\(name("other", i))", isSynced: false)
      try random(8).write("\(studio.pictures)/\(name("own", i))", isSynced: false)
    }
    let found = try inspect(studio.pictures)
    #expect(found.pictures == 3000 && found.isUnfinished == nil)
    #expect(found.duplicates == [(0..<1000).map { name("one", $0) }])
    #expect(found.nearDuplicates == [(0..<1000).map { name("other", $0) }])
    #expect(found.distinct == 1002)
  }

  @Test func blankPicturesAreNamedAndNotGrouped() throws {
    let studio = try Studio("scene.jpg")
    let white = [UInt8](repeating: 255, count: 400)
    for (name, side) in [("a.png", 9), ("b.png", 10)] {
      let pixels = (0..<side * side).flatMap { white[0..<3] + [UInt8($0 % 2 * 255)] }
      try Picture(width: side, height: side, channels: 4, bytes: pixels).write("\(studio.pictures)/\(name)")
    }
    let found = try inspect(studio.pictures)
    #expect(found.blank == ["a.png", "b.png"] && found.nearDuplicates.isEmpty)
    #expect(found.transparent == ["a.png", "b.png"])
  }

  @Test func theBundledPicturesAreClean() throws {
    let found = try inspect(Fixtures.emoji)
    #expect(found.pictures == 479 && found.damaged.isEmpty)
    #expect(found.duplicates.isEmpty && found.nearDuplicates.isEmpty, "\(found.nearDuplicates)")
    #expect(found.others == 1, "the licence")
  }

  @Test func foldersWithoutPicturesAreRefused() throws {
    let studio = try Studio()
    let path = studio.pictures
    #expect(throws: GalleryError.noPictures(path: path, others: 0)) { _ = try inspect(path) }
    try studio.put("words.png", as: "notes.txt")
    #expect(throws: GalleryError.noPictures(path: path, others: 1)) { _ = try inspect(path) }
    #expect(throws: GalleryError.missing(path: path + "/no")) { _ = try inspect(path + "/no") }
    #expect(GalleryError.missing(path: "").exit == .missingInput)
    #expect(GalleryError.noPictures(path: "", others: 0).exit == .data)
    #expect(
      GalleryError.noPictures(path: "x", others: 1).sentence
        == "No picture is in x, only 1 other file: name a folder with JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF files.")
  }

  @Test func onePictureIsAGallery() throws {
    let found = try inspect(Fixtures.path("scene.jpg"))
    #expect(found.pictures == 1 && found.file?.map(\.property).first == "format")
  }
}
