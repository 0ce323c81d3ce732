import Foundation
import Media
import TestSupport
import Testing
import Torch

@testable import Workshop

/// Masks by one rule: transparent isn't masked, grey is masked partly, another shape is refused or fitted.
@Suite struct MaskTests {
  private let folder = TemporaryFolder()
  private let photo = Picture(width: 6, height: 4, of: .white)

  /// A mask of these pixels, its middle 2 by 2 another than the rest.
  private func mask(_ name: String, middle: [UInt8], rest: [UInt8], width: Int = 6, height: Int = 4) throws -> String {
    let bytes = (0..<width * height).flatMap { place -> [UInt8] in
      let (x, y) = (place % width, place / width)
      return abs(2 * x + 1 - width) <= 1 && abs(2 * y + 1 - height) <= 1 ? middle : rest
    }
    try Picture(width: width, height: height, channels: middle.count, bytes: bytes).write(folder.path(name))
    return folder.path(name)
  }

  private func cover(_ path: String, fit: MaskFit? = nil) throws -> [Float] {
    try Workshop.mask(path, of: photo, named: "photo", fit: fit, on: .cpu).flattened().floats
  }

  @Test(arguments: ["png", "tif", "webp", "avif"]) func whiteOnTransparencyMasksTheStrokes(_ ending: String) throws {
    // Under the transparency lies white, as brushes leave it.
    let path = try mask("a.\(ending)", middle: [255, 255, 255, 255], rest: [255, 255, 255, 0])
    let found = try cover(path)
    let tolerance: Float = ending == "avif" || ending == "webp" ? 0.1 : 0
    for (place, value) in found.enumerated() {
      let isMiddle = [2, 3].contains(place % 6) && [1, 2].contains(place / 6)
      #expect(Swift.abs(value - (isMiddle ? 1 : 0)) <= tolerance, "\(place)")
    }
  }

  @Test func greyAndHalfTransparentMaskPartly() throws {
    let grey = try cover(mask("g.png", middle: [51], rest: [0]))
    let veil = try cover(mask("v.png", middle: [255, 255, 255, 51], rest: [0, 0, 0, 0]))
    let both = try cover(mask("b.png", middle: [128, 128, 128, 102], rest: [0, 0, 0, 255]))
    #expect(grey == veil && Swift.abs(grey[8] - 0.2) < 1e-6)
    #expect(Swift.abs(both[8] - 0.2) < 0.002 && both[0] == 0)
    // A colour by its brightness.
    let green = try cover(mask("c.png", middle: [0, 255, 0], rest: [0, 0, 0]))
    #expect(Swift.abs(green[8] - 0.7152) < 1e-4)
  }

  @Test func blackMasksNothing() throws {
    func sentence(_ path: String) -> String? {
      let error = #expect(throws: MaskError.self) { try cover(path) }
      #expect(error?.exit == .data)
      return error?.sentence
    }
    let strokes = try mask("s.png", middle: [0, 0, 0, 255], rest: [0, 0, 0, 0])
    #expect(
      sentence(strokes)
        == "The mask \(strokes) is black where it isn't transparent, and neither is masked: paint in white what is to change."
    )
    let black = try mask("k.png", middle: [0], rest: [0])
    #expect(sentence(black) == "The mask \(black) is black all over: make white what is to change.")
  }

  @Test func anotherShapeIsRefusedOrFitted() throws {
    let square = try mask("q.png", middle: [0], rest: [255], width: 4, height: 4)
    let error = #expect(throws: MaskError.self) { try cover(square) }
    #expect(
      error?.sentence
        == "The mask \(square) has another shape (4 × 4 px) than photo (6 × 4 px): give one of its shape, or fit it by "
        + "--mask-fit stretch, crop or fit.")
    // Inside the picture there is room for a column on either side, which isn't masked.
    let fitted = try cover(square, fit: .fit)
    #expect((0..<4).allSatisfy { fitted[6 * $0] == 0 && fitted[6 * $0 + 5] == 0 })
    #expect(fitted[1] == 1 && fitted[4] == 1 && fitted[8] == 0 && fitted[15] == 0)
    // Cut to 4 by 3 and enlarged: the black middle reaches higher.
    let cropped = try cover(square, fit: .crop)
    #expect(cropped[0] == 1 && cropped[8] < 0.5)
    let stretched = try cover(square, fit: .stretch)
    #expect(stretched[0] == 1 && stretched.count == 24 && stretched[8] < 0.1)
    // Rounding to whole pixels is no other shape.
    #expect(try cover(mask("r.png", middle: [255], rest: [255], width: 31, height: 20)).allSatisfy { $0 > 0.9999 })
  }
}
