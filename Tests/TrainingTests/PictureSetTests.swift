import Foundation
import Testing
import Torch
import Training

@Suite struct PictureSetTests {
  @Test func aSetIsReadAsItWasWritten() throws {
    try withFolder { folder in
      let path = folder + "/pictures.safetensors"
      let writer = try PictureSetWriter(path: path, channels: 3, size: 2)
      let pixels = (0..<3).map { n in (0..<12).map { UInt8(n * 50 + $0) } }
      for (n, picture) in pixels.enumerated() { try writer.add(picture, name: "sub/földer \n \(n).png") }
      #expect(!FileManager.default.fileExists(atPath: path))
      try writer.finish(metadata: ["source": "tests"])
      let set = try PictureSet(path: path)
      #expect(set.count == 3 && set.channels == 3 && set.size == 2)
      #expect(set.names == (0..<3).map { "sub/földer \n \($0).png" })
      #expect(set.metadata["source"] == "tests")
      #expect(set.pictures.bytes == pixels.flatMap { $0 })
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["pictures.safetensors"])
    }
  }

  @Test func aBatchIsFloatsAndMayBeMirrored() {
    let set = PictureSet(Tensor([UInt8]([0, 255, 51, 204, 0, 0, 0, 255]), shape: [2, 1, 2, 2]))
    let batch = set.batch([1, 0], mirrored: [false, true])
    #expect(batch.shape == [2, 1, 2, 2] && batch.dtype == .float32)
    // 0, 51, 204, 255 are exact fractions of 127.5 up to float32's rounding.
    for (a, b) in zip(batch.floats, [-1, -1, -1, 1, 1, -1, 0.6, -0.6] as [Float]) { #expect(abs(a - b) < 1e-6) }
  }

  @Test func abandonedAndEmptySetsLeaveNoFile() throws {
    try withFolder { folder in
      do {
        let writer = try PictureSetWriter(path: folder + "/a", channels: 1, size: 2)
        try writer.add([1, 2, 3, 4], name: "x")
      }
      let writer = try PictureSetWriter(path: folder + "/b", channels: 1, size: 2)
      #expect(throws: PictureSetError.self) { try writer.finish() }
      withExtendedLifetime(writer) {}
      #expect(throws: PictureSetError.self) { _ = try PictureSetWriter(path: folder + "/no/c", channels: 1, size: 2) }
    }
  }

  @Test func anotherSafetensorsFileIsRefused() throws {
    try withFolder { folder in
      try Safetensors.write(["weight": Tensor([1, 2] as [Float])], to: folder + "/w")
      #expect(throws: PictureSetError.self) { _ = try PictureSet(path: folder + "/w") }
    }
  }

  @Test func everyPictureIsSeenOnceAnEpoch() {
    var order = EpochOrder(count: 10, seed: 3)
    let seen = (0..<5).flatMap { order.indices(after: $0 * 4, batch: 4) }
    #expect(seen[..<10].sorted() == Array(0..<10) && seen[10...].sorted() == Array(0..<10))
    #expect(Array(seen[..<10]) != Array(seen[10...]))
    var later = EpochOrder(count: 10, seed: 3)
    #expect(later.indices(after: 8, batch: 4) == Array(seen[8..<12]))
    var wide = EpochOrder(count: 3, seed: 3)
    #expect(wide.indices(after: 0, batch: 9).sorted() == [0, 0, 0, 1, 1, 1, 2, 2, 2])
  }
}
