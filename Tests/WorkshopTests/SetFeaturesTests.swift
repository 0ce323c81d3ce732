import Foundation
import Evaluation
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// What networks see of sets is kept beside them.
@Suite struct SetFeaturesTests {
  /// Means of colours, and how many pictures were looked at.
  private final class Counter: @unchecked Sendable { var count = 0 }
  private func net(_ counter: Counter, named name: String = "colours") -> FeatureNet {
    FeatureNet(named: name, dimensions: 3, side: 8) { x in
      counter.count += x.size(0)
      return x.mean(dims: [2, 3])
    }
  }
  private func set(_ hash: String) -> PictureSet {
    let bytes = (0..<600 * 48).map { UInt8(truncatingIfNeeded: $0 / 48 &* 7 &+ $0 % 5) }
    return PictureSet(Tensor(bytes, shape: [600, 3, 4, 4]), metadata: ["hash": hash])
  }

  @Test func noPictureIsLookedAtTwice() throws {
    let studio = try Studio()
    let path = studio.root + "/set.safetensors", set = set("a"), counter = Counter(), net = net(counter)
    let first = SetFeatures(of: set, at: path, by: net, atMost: 100)
    #expect(first.numbers.count == 100 && Set(first.numbers).count == 100 && counter.count == 100)
    // A larger sample has the smaller one first, and only the rest is looked at.
    let second = SetFeatures(of: set, at: path, by: net, atMost: 400)
    #expect(counter.count == 400 && second.values[0..<100].isEqual(to: first.values))
    #expect(Array(second.numbers.prefix(100)) == first.numbers)
    let third = SetFeatures(of: set, at: path, by: net, atMost: 50)
    #expect(counter.count == 400 && third.values.isEqual(to: first.values[0..<50]))
    let expected = net.features(of: set.bytes(of: second.numbers))
    #expect(second.values.isEqual(to: expected))
    counter.count = 0
    // All of them; another network; other pictures; a damaged file.
    #expect(SetFeatures(of: set, at: path, by: net).numbers.sorted() == Array(0..<600) && counter.count == 200)
    _ = SetFeatures(of: set, at: path, by: self.net(counter, named: "others"), atMost: 10)
    #expect(counter.count == 210)
    _ = SetFeatures(of: self.set("b"), at: path, by: net, atMost: 10)
    #expect(counter.count == 220)
    try Data("no".utf8).write(to: URL(filePath: studio.root + "/set-colours.safetensors"))
    #expect(SetFeatures(of: set, at: path, by: net, atMost: 100).values.isEqual(to: first.values))
  }

  /// Where nothing can be kept, it is looked at all the same.
  @Test func aFolderThatIsNotThereKeepsNothing() {
    let counter = Counter()
    let found = SetFeatures(of: set("a"), at: "/nowhere/set.safetensors", by: net(counter), atMost: 5)
    #expect(found.values.shape == [5, 3])
  }

  /// A set with a file of kinds is packed under another name, and its copies were never looked for.
  @Test func copiesOfLabelledPicturesAreFound() throws {
    let studio = try Studio()
    let examples = Checkout.emoji
    let names = try FileManager.default.contentsOfDirectory(atPath: examples).filter { $0.hasSuffix(".png") }.sorted()
      .prefix(20)
    for name in names {
      try FileManager.default.copyItem(atPath: "\(examples)/\(name)", toPath: "\(studio.pictures)/\(name)")
    }
    try names.enumerated().map { "\($1),\($0 % 2)" }.joined(separator: "\n")
      .write(toFile: studio.pictures + "/labels.csv", atomically: true, encoding: .utf8)
    var request = TrainRequest(pictures: studio.pictures)
    (request.recipe, request.size, request.length) = ("dcgan", 32, .pictures(8))
    (request.run, request.settings) = (studio.root + "/run", [("batch", "4"), ("width", "4")])
    try train(request, in: studio.workspace)
    let generator = try Generator(studio.root + "/run", in: studio.workspace)
    let watch = try #require(CopyWatch(generator, in: studio.workspace) { _ in })
    let set = try PictureSet(path: RunRecord(folder: studio.root + "/run").packedSet(in: studio.workspace))
    #expect(watch.copies(amongBytes: set.pictures).contains { $0 != nil })
  }
}
