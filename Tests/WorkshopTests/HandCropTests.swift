import Foundation
import Media
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// Crops by hand: which part of a picture is used, written beside it.
@Suite struct HandCropTests {
  /// Red, green, blue and white quarters, in reading order.
  private func quarters(_ path: String, width: Int, height: Int) throws {
    let colours: [[UInt8]] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    let bytes = (0..<height).flatMap { y in
      (0..<width).flatMap { x in colours[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)] }
    }
    try AtomicFile.makeFolder((path as NSString).deletingLastPathComponent)
    try Picture(width: width, height: height, channels: 3, bytes: bytes).write(path, isForced: true)
  }

  private func write(_ text: String, beside path: String) throws {
    try AtomicFile.write(text, to: path + ".crop", isForced: true)
  }

  /// - Returns: whether a packed picture is of one colour.
  private func isAll(_ colour: [UInt8], _ picture: Tensor) -> Bool {
    (0..<3).allSatisfy { channel in picture[channel].bytes.allSatisfy { $0 == colour[channel] } }
  }

  @Test(arguments: [(60, 40), (1200, 800)], [false, true])
  func onlyThatPartIsPacked(_ size: (width: Int, height: Int), isZip: Bool) throws {
    let studio = try Studio()
    try quarters("\(studio.pictures)/a.png", width: size.width, height: size.height)
    try quarters("\(studio.pictures)/b/b.png", width: size.width, height: size.height)
    try quarters("\(studio.pictures)/b/c.png", width: size.width, height: size.height)
    try write("0.5 0 0.5 0.5\n", beside: "\(studio.pictures)/a.png")
    try write("0 0.5 .5 .5", beside: "\(studio.pictures)/b/b.png")
    let path = isZip ? try studio.zipped() : studio.pictures
    let packed = try pack(path, Packing(size: 16), in: studio.workspace)
    #expect(packed.count == 3 && packed.cropped == 2 && packed.setAside.isEmpty)
    let set = try PictureSet(path: packed.path)
    #expect(isAll([0, 255, 0], set.pictures[0]) && isAll([0, 0, 255], set.pictures[1]))
    let whole = try Picture.load("\(studio.pictures)/b/c.png", Decoding(size: 16))
    #expect(set.pictures[2].isEqual(to: whole.tensor))
    #expect(try pack(path, Packing(size: 16), in: studio.workspace).wasThere)
  }

  /// Another crop is another set; without it the picture is whole again. The picture's file never changes.
  @Test func aCropCanBeChangedAndTakenAway() throws {
    let studio = try Studio()
    let path = "\(studio.pictures)/a.png"
    try quarters(path, width: 40, height: 40)
    let bytes = try FileBytes.read(path)
    func packedPicture() throws -> (picture: Tensor, wasThere: Bool) {
      let packed = try pack(studio.pictures, Packing(size: 8), in: studio.workspace)
      return (try PictureSet(path: packed.path).pictures[0], packed.wasThere)
    }
    let whole = try packedPicture().picture
    try write("0 0 0.5 0.5", beside: path)
    let red = try packedPicture()
    #expect(isAll([255, 0, 0], red.picture) && !red.wasThere)
    try write("0.5 0.5 0.5 0.5", beside: path)
    let white = try packedPicture()
    #expect(isAll([255, 255, 255], white.picture) && !white.wasThere)
    unlink(path + ".crop")
    let again = try packedPicture()
    #expect(again.picture.isEqual(to: whole) && again.wasThere)
    #expect(try FileBytes.read(path) == bytes)
  }

  /// Of photographs that cameras turn, the part of what one sees.
  @Test(arguments: ["turned3.jpg", "turned6.jpg", "turned7.jpg", "scene.jpg", "cmyk.jpg", "rgb16.png", "veil.png"])
  func partsAreOfTheUprightPicture(_ name: String) throws {
    let part = try #require(PicturePart("0.25 0.1 0.5 0.3"))
    let whole = try Picture.load(Fixtures.path(name), Decoding(channels: nil))
    let cut = try Picture.load(Fixtures.path(name), Decoding(channels: nil, part: part))
    let (columns, rows) = part.pixels(of: whole.size)
    let expected = whole.tensor.narrowed(dim: 1, from: rows.lowerBound, count: rows.count)
      .narrowed(dim: 2, from: columns.lowerBound, count: columns.count)
    #expect(cut.tensor.isEqual(to: expected.contiguous()))
    let small = try Picture.load(Fixtures.path(name), Decoding(size: 12, channels: nil, part: part))
    #expect(small == cut.resampled(width: 12, height: 12))
  }

  /// What was found about the whole picture is found about its part, and the mend of a long picture shows.
  @Test func inspectJudgesThePart() throws {
    let studio = try Studio()
    for name in ["a.png", "b.png"] { try quarters("\(studio.pictures)/\(name)", width: 300, height: 60) }
    let before = try inspect(studio.pictures, InspectRequest(size: 32))
    #expect(
      before.longish == ["a.png", "b.png"] && before.cropped == nil && before.duplicates == [["a.png", "b.png"]])
    try write("0.1 0 0.2 1", beside: "\(studio.pictures)/a.png")
    let after = try inspect(studio.pictures, InspectRequest(size: 32))
    #expect(after.longish == ["b.png"] && after.cropped == 1 && after.duplicates.isEmpty)
    #expect(after.smallest == Inspection.Extent(name: "a.png", width: 60, height: 60) && after.others == 0)
    #expect(after.report.contains { $0.contains("Cropped by hand: 1 picture") })
    // One picture by itself has its crop beside it, too.
    #expect(try pack("\(studio.pictures)/a.png", Packing(size: 8), in: studio.workspace).cropped == 1)
  }

  @Test(arguments: [
    "", "0 0 1", "0 0 1 1 1", "0 0 0 1", "0.6 0 0.5 1", "-0.1 0 0.5 0.5", "nan 0 1 1", "a b c d", "0,0,1,1",
  ])
  func whatIsNoRectangleIsNamed(_ text: String) throws {
    let studio = try Studio("scene.jpg")
    try write(text, beside: "\(studio.pictures)/scene.jpg")
    let path = "\(studio.pictures)/scene.jpg.crop"
    #expect(throws: HandCropError.unreadable(path: path)) {
      try pack(studio.pictures, Packing(size: 8), in: studio.workspace)
    }
    #expect(throws: HandCropError.unreadable(path: path)) { try inspect(studio.pictures) }
    let zip = try studio.zipped()
    #expect(throws: HandCropError.unreadable(path: "\(zip)/scene.jpg.crop")) {
      try pack(zip, Packing(size: 8), in: studio.workspace)
    }
  }

  /// A picture that was set aside may come back: its crop waits for it.
  @Test func aCropWithoutItsPictureIsPassedOver() throws {
    let studio = try Studio("scene.jpg")
    try write("no rectangle", beside: "\(studio.pictures)/gone.png")
    let packed = try pack(studio.pictures, Packing(size: 8), in: studio.workspace)
    #expect(packed.cropped == nil && packed.count == 1)
  }
}
