import Foundation
import TestSupport
import Testing
import Torch

@testable import Media

@Suite struct LikenessTests {
  func likeness(_ name: String) throws -> Likeness {
    try Likeness(Picture.load(Fixtures.path(name), Decoding(size: 32)))
  }

  @Test func theSamePictureIsNearHoweverSaved() throws {
    let scene = try likeness("scene.jpg")
    for name in ["again.jpg", "turned6.jpg", "scene.webp", "scene.tif", "rgb16.png"] {
      #expect(try scene.isNear(likeness(name)), "\(name)")
    }
    let all = try ["scene.jpg", "parrot.png", "again.jpg", "violin.png", "scene.webp"].map(likeness)
    #expect(try groups(all) == [[0, 2, 4]])
    #expect(try !scene.isNear(likeness("parrot.png")))
    #expect(try !likeness("violin.png").isNear(likeness("parrot.png")))
  }

  @Test func drawingsOnWhiteAreNotAlike() {
    // A thin line, at two places: nearly all white, and yet two pictures.
    func line(at x: Int) -> Likeness {
      var bytes = [UInt8](repeating: 255, count: 32 * 32 * 3)
      for y in 8..<24 { for c in 0..<3 { bytes[(y * 32 + x) * 3 + c] = 0 } }
      return Likeness(Picture(width: 32, height: 32, channels: 3, bytes: bytes))
    }
    #expect(!line(at: 5).isNear(line(at: 25)) && line(at: 5).isNear(line(at: 5)))
  }

  @Test func greyIsToldFromColour() throws {
    #expect(try likeness("grey.png").colourfulness == 0)
    #expect(try likeness("scene.jpg").colourfulness > 100)
  }

  /// Coordinates are a part of a picture's in an orthonormal basis, so what they say of a distance is never too much.
  @Test func coordinatesAreNeverFurtherApartThanPictures() throws {
    var noise = Noise(seed: 1)
    let some = try [likeness("scene.jpg"), likeness("parrot.png")] + (0..<20).map { madeUp(&noise, side: $0 + 2) }
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    for a in some {
      for b in some {
        let whole = distance(a.small.map(Double.init), b.small.map(Double.init))
        let part = distance(a.coordinates.map(Double.init), b.coordinates.map(Double.init))
        #expect(part <= whole + Coordinates.slack)
      }
    }
  }
}

/// Groups of near pictures.
private func groups(_ all: [Likeness], budget: Int = Likenesses.budget, folder: String? = nil) throws -> [[Int]] {
  let likenesses = Likenesses(folder: folder ?? NSTemporaryDirectory(), budget: budget)
  for one in all { try likenesses.append(one) }
  var (sets, isWhole) = try likenesses.near()
  #expect(isWhole)
  return sets.groups { _ in true }
}

/// The same by looking at all pairs.
private func groupsOfAllPairs(_ all: [Likeness]) -> [[Int]] {
  let isShown = all.map { !$0.isBlank }
  var sets = DisjointSets(count: all.count)
  for i in all.indices where isShown[i] {
    for j in i + 1..<all.count where isShown[j] && sets.root(of: i) != sets.root(of: j) && all[i].isNear(all[j]) {
      sets.unite(i, j)
    }
  }
  return sets.groups { _ in true }
}

/// A smooth picture of so many random colours a side.
private func madeUp(_ noise: inout Noise, side: Int) -> Likeness {
  let bytes = noise.integers(below: 256, count: side * side * 3).map { UInt8($0) }
  return Likeness(Picture(width: side, height: side, channels: 3, bytes: bytes).resampled(width: 32, height: 32))
}

extension Likeness {
  /// With noise of so many levels.
  fileprivate func grained(_ noise: inout Noise, _ levels: Double) -> Likeness {
    let values = Tensor(small, shape: [3072]).to(.float32) + noise.normal([3072]) * levels
    return Likeness(
      Picture(width: 32, height: 32, channels: 3, bytes: clamp(round(values), min: 0, max: 255).to(.uint8).bytes))
  }
}

@Suite struct LikenessesTests {
  /// A thousand made up, of some of which there are up to nine with noise: from far below the bound to above it.
  @Test func groupsAreThoseOfAllPairs() throws {
    var noise = Noise(seed: 3)
    var all: [Likeness] = []
    for i in 0..<1000 {
      all.append(madeUp(&noise, side: 2 + i % 5))
      for _ in 0..<i % 10 where i % 3 == 0 { all.append(all.last!.grained(&noise, Double(i % 7) * 2)) }
    }
    for _ in 0..<20 { all.append(Likeness(Picture(width: 32, height: 32, of: .white))) }
    for i in 0..<100 { all.append(all[i * 3]) }
    let expected = groupsOfAllPairs(all)
    #expect(expected.count > 100)
    #expect(try groups(all) == expected)
    #expect(try groups(all, budget: 0) == expected, "on disk as in memory")
    #expect(try groups(all, budget: 1000 * 3072) == expected, "and half on each")
  }

  @Test func realPicturesSavedAgainAreFound() throws {
    let folder = URL(filePath: Fixtures.folder).appending(path: "../../Examples/emoji").standardizedFileURL.path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".png") }.sorted()
    var all: [Likeness] = []
    for name in names {
      let picture = try Picture.load("\(folder)/\(name)", Decoding(channels: 3))
      let half = picture.resampled(width: max(1, picture.width / 2), height: max(1, picture.height / 2))
      for one in [picture, half] { all.append(Likeness(one.resampled(width: 32, height: 32))) }
    }
    #expect(all.count == 2 * 479)
    let expected = groupsOfAllPairs(all)
    #expect(expected.count > 400)
    #expect(try groups(all) == expected)
  }

  /// Frames of one still: all pairs are near, and none of them may be looked at twice.
  @Test func manyOfOneKindTakeFewLooks() throws {
    var noise = Noise(seed: 4)
    let still = madeUp(&noise, side: 4)
    let likenesses = Likenesses(folder: NSTemporaryDirectory())
    for _ in 0..<5000 { try likenesses.append(still.grained(&noise, 3)) }
    var (sets, isWhole) = try likenesses.near(looks: 100)
    #expect(isWhole && sets.groups { _ in true } == [Array(0..<5000)])
    #expect(Set(likenesses.kinds).count == 5000)
  }

  @Test func theSearchGrowsWithTheSet() throws {
    var noise = Noise(seed: 5)
    let likenesses = Likenesses(folder: NSTemporaryDirectory())
    for i in 0..<20_000 { try likenesses.append(madeUp(&noise, side: 2 + i % 3)) }
    // All pairs were 10,000 a picture.
    #expect(try likenesses.near(looks: 1000).isWhole)
  }

  @Test func aSearchThatWouldTakeTooLongEndsAndSaysSo() throws {
    var noise = Noise(seed: 6)
    let likenesses = Likenesses(folder: NSTemporaryDirectory())
    let still = madeUp(&noise, side: 4)
    // Just above what is near: each is like each, and not near.
    for _ in 0..<500 { try likenesses.append(still.grained(&noise, 12)) }
    #expect(try likenesses.near(looks: 100).isWhole == false)
    #expect(try likenesses.near().isWhole)
  }

  @Test func aFolderThatCannotBeWrittenToIsSaid() throws {
    let likenesses = Likenesses(folder: "/dev/null/no", budget: 0)
    var noise = Noise(seed: 7)
    #expect(throws: FileError.self) { try likenesses.append(madeUp(&noise, side: 4)) }
  }

  @Test func nothingIsLeftBehind() throws {
    let folder = temporaryPath("likenesses")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let likenesses = Likenesses(folder: folder, budget: 0)
    var noise = Noise(seed: 8)
    for _ in 0..<3 { try likenesses.append(madeUp(&noise, side: 4)) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func oneAndNoneAreNoGroup() throws {
    var noise = Noise(seed: 9)
    #expect(try groups([]).isEmpty)
    #expect(try groups([madeUp(&noise, side: 4)]).isEmpty)
  }
}
