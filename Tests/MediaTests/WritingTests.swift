import Foundation
import Media
import TestSupport
import Testing
import Torch

@Suite struct WritingTests {
  static let small = Picture(width: 2, height: 2, channels: 3, bytes: [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])

  @Test func pngsCarryTheirWords() throws {
    let folder = TemporaryFolder()
    let path = folder.path("a.png")
    let words = [("Seed", "7"), ("Run", "Grüße"), ("Title", "絵 🎨"), ("Empty", "")]
    try Self.small.write(path, text: words.map { (key: $0.0, value: $0.1) }, source: .trainedAlgorithmicMedia)
    let file = try FileBytes.read(path)
    let text = try #require(PNG.text(file))
    #expect(text.map(\.key) == ["Seed", "Run", "Title", "Empty", "XML:com.adobe.xmp"])
    #expect(text.dropLast().map(\.value) == words.map(\.1))
    let type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    #expect(text.last!.value.contains("Iptc4xmpExt:DigitalSourceType=\"\(type)\""))
    #expect(Parsed(text.last!.value).isWellFormed)
    #expect(try Picture.load(path) == Self.small)
    #expect(PNG.text(Array(file.dropLast(5))) == nil)
    #expect(folder.names == ["a.png"])
  }

  @Test func alphaAndGreySurviveAPNG() throws {
    let clear = Picture(width: 1, height: 2, channels: 4, bytes: [0, 0, 0, 0, 1, 2, 3, 128])
    #expect(try Picture.decode(clear.png(), named: "clear", Decoding(channels: 4)) == clear)
    let grey = Picture(width: 3, height: 1, channels: 1, bytes: [0, 7, 255])
    #expect(try Picture.decode(grey.png(), named: "grey", Decoding(channels: nil)) == grey)
  }

  @Test func nothingIsOverwrittenUnasked() throws {
    let folder = TemporaryFolder()
    let path = folder.path("a.png")
    try Self.small.write(path)
    #expect(throws: FileError.exists(path: path)) { try Self.small.write(path) }
    try AtomicFile.write("other", to: path, isForced: true)
    #expect(try FileBytes.read(path) == Array("other".utf8))
    #expect(folder.names == ["a.png"])
    #expect(FileError.exists(path: path).exit == .cannotCreate)
  }

  @Test func whereNothingCanBeWrittenASentenceSaysSo() throws {
    let folder = TemporaryFolder()
    #expect(throws: FileError.noFolder(path: folder.path("b/a.png"))) { try Self.small.write(folder.path("b/a.png")) }
    try AtomicFile.write("a file", to: folder.path("file"))
    #expect(throws: FileError.noFolder(path: folder.path("file/a.png"))) {
      try Self.small.write(folder.path("file/a.png"))
    }
    if getuid() != 0 {  // The administrator may write anywhere.
      chmod(folder.path, 0o555)
      #expect(throws: FileError.readOnly(path: folder.path("c.png"))) { try Self.small.write(folder.path("c.png")) }
      chmod(folder.path, 0o755)
    }
    try AtomicFile.makeFolder(folder.path("x/y/z"))
    try AtomicFile.makeFolder(folder.path("x/y/z"))
    #expect(throws: FileError.self) { try AtomicFile.makeFolder(folder.path("file/y")) }
    // As deep as a command line can name.
    let deep = folder.path(String(repeating: "a/", count: 60_000))
    #expect(throws: FileError.failed(path: deep, why: "file name too long")) { try AtomicFile.makeFolder(deep) }
    #expect(FileError.full(path: "a").exit == .io && FileError.readOnly(path: "a").exit == .cannotCreate)
  }

  @Test func picturesAndTensorsAreOne() {
    let tensor = Self.small.tensor
    #expect(tensor.shape == [3, 2, 2] && tensor.bytes == Self.small.planes)
    #expect(Picture(tensor) == Self.small)
    #expect(Picture(tensor.to(.float32) * (1 / 127.5) - 1) == Self.small)
    let wild = Tensor([-3, -1, 0, 0.999, 1, 7] as [Float], shape: [1, 1, 6])
    #expect(Picture(wild).bytes == [0, 0, 128, 255, 255, 255])
  }

  @Test func digestsAreSHA256() throws {
    // FIPS 180-4's own example.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(Digest.sha256("abc") == abc)
    let folder = TemporaryFolder()
    try AtomicFile.write("abc", to: folder.path("a"))
    #expect(try Digest.sha256(file: folder.path("a")) == abc)
    #expect(Digest.sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func groundsAreNamedOrHexadecimal() {
    #expect(Ground("white") == .white && Ground("#ff8800") == Ground(255, 136, 0) && Ground("000000") == .black)
    #expect(Ground("ff88") == nil && Ground("+ff880") == nil && Ground("") == nil)
    #expect(Ground(0, 136, 255).description == "0088ff")
  }
}

/// XML, looked at by its tags and quotes alone.
private struct Parsed {
  let isWellFormed: Bool
  init(_ text: String) {
    var open: [Substring] = []
    var isRight = true
    for tag in text.matches(of: /<([^>]*)>/).map(\.output.1) where !tag.hasPrefix("?") {
      if tag.hasPrefix("/") {
        isRight = isRight && open.popLast() == tag.dropFirst()
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { !$0.isWhitespace })
      }
      isRight = isRight && tag.filter { $0 == "\"" }.count.isMultiple(of: 2)
    }
    isWellFormed = isRight && open.isEmpty
  }
}

@Suite struct SheetTests {
  @Test func picturesStandInTheirCells() {
    let red = Picture(width: 4, height: 4, of: Ground(255, 0, 0))
    let wide = Picture(width: 8, height: 4, of: Ground(0, 0, 255))
    let clear = Picture(width: 4, height: 4, channels: 4, bytes: [UInt8](repeating: 0, count: 64))
    let grey = Picture(width: 4, height: 4, channels: 1, bytes: [UInt8](repeating: 77, count: 16))
    let sheet = Sheet(columns: 2, for: 4, cell: 4, margin: 1).drawn([red, wide, clear, grey])
    #expect((sheet.width, sheet.height) == (11, 11))
    #expect(Array(sheet[0, 0]) == [255, 255, 255] && Array(sheet[1, 1]) == [255, 0, 0])
    // 8 by 4 comes down to 4 by 2, in the middle.
    #expect(Array(sheet[7, 1]) == [255, 255, 255] && Array(sheet[7, 2]) == [0, 0, 255])
    #expect(Array(sheet[2, 7]) == [255, 255, 255] && Array(sheet[7, 7]) == [77, 77, 77])
    #expect(Sheet(for: 64).columns == 8 && Sheet(for: 65).columns == 9)
  }

  @Test func labelsAreDrawn() {
    let white = Picture(width: 64, height: 64, of: .white)
    var sheet = Sheet(columns: 1, for: 1, cell: 64)
    sheet.labelHeight = 14
    let drawn = sheet.drawn([white], labels: ["a <b> & a very long name.png"])
    #expect(drawn.height == 64 + 14 + 4)
    let line = drawn.bytes[(66 * 68 * 3)...]
    #expect(line.contains { $0 < 128 }, "a machine with libvips's text and one font draws something")
  }

  @Test func noSheetIsLargerThanCanBeShown() {
    // A hundred of 1000 pixels would be 100 megapixels; twenty in a row are too wide.
    for (columns, count) in [(10, 100), (20, 20), (1, 20)] {
      var painter = SheetPainter(Sheet(columns: columns, for: count), cells: count, size: 1000)
      for _ in 0..<count { painter.add(Picture(width: 1000, height: 1000, of: .black)) }
      let drawn = painter.drawn
      #expect(max(drawn.width, drawn.height) <= Sheet.longest && drawn.width * drawn.height <= Sheet.mostPixels)
      #expect(drawn.width * drawn.height > Sheet.mostPixels / 8, "and not much smaller")
      #expect(Array(drawn[drawn.width - 4, drawn.height - 4]) == [0, 0, 0])
    }
  }

  @Test(arguments: [16, 64, 256, 1024, 20_000, PictureSize(96, 64), PictureSize(40, 320)])
  func whatFitsIsKnown(size: PictureSize) {
    func isLegal(_ columns: Int, _ rows: Int, _ margin: Int) -> Bool {
      let (width, height) = (margin + columns * (size.width + margin), margin + rows * (size.height + margin))
      return max(width, height) <= Sheet.longest && width * height <= Sheet.mostPixels
    }
    for margin in [0, 2] {
      let columns = Sheet.columns(size: size, margin: margin)
      #expect(!isLegal(columns + 1, 1, margin))
      for columns in stride(from: 1, through: columns, by: 7) {
        let rows = Sheet.rows(of: columns, size: size, margin: margin)
        #expect(isLegal(columns, rows, margin) && !isLegal(columns, rows + 1, margin))
      }
      #expect(Sheet.rows(of: columns + 1, size: size, margin: margin) == 0)
      let side = Sheet.squareSide(of: size, margin: margin)
      #expect(side == 1 || isLegal(side, side, margin))
      #expect(!isLegal(side + 1, side + 1, margin))
    }
  }
}
