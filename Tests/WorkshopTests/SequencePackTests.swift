import Foundation
import Media
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// Sequences as they lie in folders, and what becomes of them.
@Suite struct SequencePackTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = temporaryPath("atelier")
    try FileManager.default.createDirectory(atPath: folder + "/in/deep", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  /// Opaque, of one red all over.
  private func plain(_ red: Int, _ width: Int = 8, _ height: Int = 8) -> Picture {
    let pixel: [UInt8] = [UInt8(red), 0, 0, 255]
    return Picture(
      width: width, height: height, channels: 4, bytes: (0..<width * height).flatMap { _ in pixel })
  }

  @Test func filesAreInTheOrderOfTheirNumbers() throws {
    try inFolder { folder in
      for i in 1...11 { try plain(i).write("\(folder)/in/run\(i).png") }
      for i in 0..<3 { try plain(100 + i).write("\(folder)/in/deep/orc-hit-\(i).png") }
      for i in 1...2 { try plain(50 + i).write("\(folder)/in/deep/\(i).png") }
      for name in ["orc.png", "lonely7.png"] { try plain(200).write("\(folder)/in/\(name)") }
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder + "/in/run12.png"))
      let workspace = Workspace(folder + "/workspace")
      let packing = Packing(size: 12, channels: 4)
      let packed = try packSequences(folder + "/in", packing, in: workspace)
      #expect(packed.count == 16 && !packed.wasThere)
      #expect(
        packed.setAside.map { "\($0.name) \($0.reason)" }.sorted() == [
          "lonely7.png belongs to no sequence", "orc.png belongs to no sequence",
          "run12.png isn't a picture",
        ])
      let set = try PictureSet(path: packed.path)
      #expect(set.sequences.map(\.name).sorted() == ["deep", "deep/orc-hit", "run"])
      let reds = { (name: String) -> [Int] in
        set.sequences.first { $0.name == name }!.frames.map { Int(set.pictures[$0][0][6][6].item()) }
      }
      #expect(reds("run") == Array(1...11))
      #expect(reds("deep/orc-hit") == [100, 101, 102] && reds("deep") == [51, 52])
      // Small ones aren't blown up: eight of twelve pixels.
      #expect(set.pictures[0][3].to(.float32).sum().item() == 64 * 255)
      #expect(try packSequences(folder + "/in", packing, in: workspace).wasThere)
    }
  }

  @Test func framesOfOtherSizesStayInTheMiddle() throws {
    let frames = [plain(1, 4, 8), plain(2, 8, 6)].onOneCanvas()
    #expect(frames.allSatisfy { $0.width == 8 && $0.height == 8 })
    #expect(Array(frames[0][2, 0]) == [1, 0, 0, 255] && frames[0][1, 0].last == 0)
    #expect(frames[1][0, 0].last == 0 && Array(frames[1][0, 1]) == [2, 0, 0, 255])
  }

  @Test func aFolderOfFramesWithoutNumbersIsOne() throws {
    try inFolder { folder in
      for (i, name) in ["begin", "end", "middle"].enumerated() { try plain(i).write("\(folder)/in/deep/\(name).png") }
      #expect(try SequenceGallery(folder + "/in").names == ["deep"])
      let one = try SequenceGallery(folder + "/in").all(channels: 4)
      var count = 0
      try one.sequences.first?.forEachFrame(channels: 4) { _ in count += 1 }
      #expect(count == 3 && one.setAside.isEmpty)
      #expect(throws: SequenceError.noSequences(path: folder + "/in/deep")) {
        _ = try packSequences(
          folder + "/in/deep", Packing(size: 8, channels: 4), in: Workspace(folder + "/workspace"))
      }
    }
  }

  @Test func aPaletteKeepsItsColoursAndTransparency() throws {
    let bytes: [UInt8] = [10, 20, 30, 255, 200, 100, 0, 255, 9, 9, 9, 0, 0, 0, 0, 128]
    let palette = try SpritePalette(Picture(width: 4, height: 1, channels: 4, bytes: bytes), "sprite.png")
    let soft: [UInt8] = [12, 18, 33, 240, 180, 110, 9, 255, 250, 250, 250, 10, 5, 5, 5, 120]
    let made = palette.nearest(Picture(width: 4, height: 1, channels: 4, bytes: soft)).bytes
    #expect(made == [10, 20, 30, 255, 200, 100, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128])
  }

  @Test func clipsAreSequencesToo() throws {
    try inFolder { folder in
      for name in ["bunny.mp4", "moving.gif", "short.gif", "scene.jpg"] {
        try FileManager.default.copyItem(atPath: Fixtures.path(name), toPath: "\(folder)/in/deep/\(name)")
      }
      let packed = try packSequences(
        folder + "/in", Packing(size: 16), in: Workspace(folder + "/workspace"))
      let set = try PictureSet(path: packed.path)
      #expect(set.sequences.map(\.name) == ["deep/bunny.mp4", "deep/moving.gif"])
      #expect(set.sequences[0].frames.count == 30 && set.sequences[0].rate > 20)
      #expect(packed.setAside.map(\.name) == ["deep/scene.jpg", "deep/short.gif"])
    }
  }

  /// A Mac and Windows number copies from 2 on.
  @Test(arguments: [
    ["walk.png", "walk 2.png", "walk 3.png", "walk 10.png"],
    ["walk - Kopie.png", "walk - Kopie (2).png", "walk - Kopie (3).png"],
    ["f1.gif", "f2.gif", "f3.gif", "f4.gif"],
  ]) func theFirstOfCopiesAndStillGIFs(_ names: [String]) throws {
    try inFolder { folder in
      for (i, name) in names.enumerated() {
        let path = "\(folder)/in/\(name)"
        if name.hasSuffix("gif") {
          let rendering = try ClipRendering(
            path, format: ClipFormat(path), width: 8, height: 8, rate: FrameRate(10), alpha: false, key: "test")
          try rendering.write(plain(60 * i + 20).flattened(on: .black))
          try rendering.finish()
        } else {
          try plain(60 * i + 20).write(path)
        }
      }
      let found = try SequenceGallery(folder + "/in").all(channels: 3)
      #expect(found.sequences.count == 1 && found.setAside.isEmpty)
      var reds: [Int] = []
      try found.sequences.first?.forEachFrame(channels: 3) { reds.append(Int($0[0, 0].first!)) }
      #expect(zip(reds, names.indices).allSatisfy { abs($0 - 60 * $1 - 20) < 4 } && reds.count == names.count)
    }
  }

  @Test func numbersInsideOfNames() throws {
    try inFolder { folder in
      for i in [10, 2, 1] { try plain(10 * i).write("\(folder)/in/walk_\(i)_left.png") }
      try plain(9).write("\(folder)/in/walk_1_right.png")
      let found = try #require(try SequenceGallery.around("\(folder)/in/walk_2_left.png")).all(channels: 3)
      var reds: [Int] = []
      try found.sequences.first?.forEachFrame(channels: 3) { reds.append(Int($0[0, 0].first!)) }
      #expect(reds == [10, 20, 100])
    }
  }
}
