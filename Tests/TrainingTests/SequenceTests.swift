import Foundation
import Testing
import Torch

@testable import Training

/// Sets whose pictures follow one another.
@Suite struct SequenceTests {
  private static let sequences = [
    PictureSequence(name: "walk", frames: 0..<6, rate: 10), PictureSequence(name: "nod", frames: 6..<8),
  ]
  private func set() -> PictureSet {
    PictureSet(toySet(count: 9).pictures, sequences: Self.sequences)
  }

  @Test func examplesAreOfOneSequence() {
    let set = set()
    var noise = Noise(seed: 1)
    for _ in 0..<20 {
      let (numbers, times) = set.examples(of: [2, 7, 8, 5], FrameDraw(count: 3), noise: &noise)
      let examples = stride(from: 0, to: 12, by: 3).map { Array(numbers[$0..<$0 + 3]) }
      #expect(examples.map { $0[0] } == [2, 7, 8, 5])
      #expect(Set(examples[0]).count == 3 && examples[0].allSatisfy { $0 < 6 })
      // Of two frames three are drawn: one comes twice.
      #expect(Set(examples[1]) == [6, 7])
      // A picture of no sequence stands for itself.
      #expect(examples[2] == [8, 8, 8])
      #expect(times.shape == [4, 3])
      let seconds = times.floats
      #expect(abs(seconds[0] - 0.2) < 1e-6 && seconds[3] == 1 && seconds[6] == 0 && abs(seconds[9] - 0.5) < 1e-6)
    }
  }

  @Test func anExampleKeepsToItsSpan() {
    let set = PictureSet(
      toySet(count: 20).pictures, sequences: [PictureSequence(name: "clip", frames: 0..<20, rate: 25)])
    var noise = Noise(seed: 2)
    var seen: Set<Int> = []
    for picture in 0..<20 {
      for _ in 0..<10 {
        let drawn = set.examples(of: [picture], FrameDraw(count: 3, span: 4, isOrdered: true), noise: &noise).numbers
        #expect(drawn == drawn.sorted() && Set(drawn).count == 3 && drawn.contains(picture))
        #expect(drawn.last! - drawn.first! <= 4)
        seen.formUnion(drawn)
      }
    }
    #expect(seen.count == 20)
  }

  @Test func sequencesArePackedAndRead() throws {
    try withFolder { folder in
      let path = folder + "/set.safetensors"
      let writer = try PictureSetWriter(path: path, channels: 1, size: 4)
      for i in 0..<5 {
        try writer.add([UInt8](repeating: UInt8(i), count: 16), name: "picture \(i)")
        if i == 1 { writer.endSequence("a walk", rate: 12.5) }
      }
      writer.endSequence("näher")
      writer.endSequence("nothing")
      try writer.finish()
      let set = try PictureSet(path: path)
      #expect(
        set.sequences == [
          PictureSequence(name: "a walk", frames: 0..<2, rate: 12.5), PictureSequence(name: "näher", frames: 2..<5),
        ])
    }
  }

  @Test func sequencesOfOtherPicturesAreRefused() {
    let good = SequenceList.bytes([("a", 2, 1), ("b", 3, 24)])
    #expect(SequenceList.read(good, count: 5)?.map(\.frames) == [0..<2, 2..<5])
    for count in [0, 4, 6] { #expect(SequenceList.read(good, count: count) == nil) }
    for bad in ["a\02", "a\0two\01\0", "a\05\00\0", "a\0-5\01\0", "a\05\0nan\0", "a\09223372036854775807\01\0"] {
      #expect(SequenceList.read(Array(bad.utf8), count: 5) == nil, "\(bad.debugDescription)")
    }
  }
}
