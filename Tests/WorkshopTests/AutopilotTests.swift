import Foundation
import Media
import Models
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// Failures that are planted, and runs without any.
@Suite struct AutopilotTests {
  private static let examples = Checkout.emoji

  /// Causes that a short run names.
  private func causes(
    _ studio: Studio, recipe: String = "r3gan", pictures: Int = 96, _ settings: [(String, String)] = []
  ) throws -> [Trouble.Cause] {
    var request = TrainRequest(pictures: studio.pictures)
    (request.recipe, request.run) = (recipe, "\(studio.root)/run-\(UUID().uuidString)")
    (request.size, request.length, request.seed) = (32, .pictures(pictures), 3)
    request.settings = [("precision", "float32")] + settings.map { (name: $0.0, value: $0.1) }
    var found: [Trouble.Cause] = []
    do {
      try train(request, in: studio.workspace) { if case .trouble(let trouble) = $0 { found.append(trouble.cause) } }
    } catch is LoopError {
      // After the last roll back: what matters is what was named before.
    }
    return found
  }

  private func studio(_ count: Int, where isMeant: (String) -> Bool = { _ in true }) throws -> Studio {
    let studio = try Studio()
    for name in try names().filter(isMeant).prefix(count) {
      try FileManager.default.copyItem(atPath: "\(Self.examples)/\(name)", toPath: "\(studio.pictures)/\(name)")
    }
    return studio
  }
  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: Self.examples).filter { $0.hasSuffix(".png") }.sorted()
  }

  @Test func goodPicturesAreNoTrouble() throws {
    let found = try causes(studio(48))
    #expect(found.isEmpty)
  }

  @Test func onePictureRepeatedIsNamed() throws {
    let studio = try studio(6)
    let name = try names()[40]
    for i in 0..<30 {
      try FileManager.default.copyItem(
        atPath: "\(Self.examples)/\(name)", toPath: "\(studio.pictures)/again-\(i).png")
    }
    let found = try causes(studio)
    #expect(found == [.repeatedPicture])
  }

  @Test(arguments: ["r3gan", "dcgan", "stylegan2"]) func stepsAHundredTimesTooLargeAreNamed(recipe: String) throws {
    let rate = try usualRate(of: recipe)
    let found = try causes(studio(32), recipe: recipe, [("rate", "\(100 * rate)"), ("batch", "8")])
    #expect(Set(found) == [.learningRate])
  }
  private func usualRate(of recipe: String) throws -> Double {
    switch recipe {
    case "dcgan": DCGANRecipe.Settings().rate
    case "stylegan2": StyleGAN2Settings().rate
    default: R3GANSettings().rate
    }
  }

  /// A floating point TIFF with one pixel that is no number, as a renderer leaves it.
  @Test func picturesThatAreNoNumbersAreNamed() throws {
    let studio = try studio(24)
    try AtomicFile.write(floatTIFF(nanAt: 100), to: "\(studio.pictures)/render.tif")
    try AtomicFile.write(floatTIFF(nanAt: nil), to: "\(studio.pictures)/whole.tif")
    let packed = try pack(studio.pictures, Packing(size: 32), in: studio.workspace)
    #expect(packed.count == 25)
    #expect(packed.setAside.map(\.name) == ["render.tif"])
    #expect(packed.setAside[0].reason == "has pixels that aren't numbers (NaN)")
  }

  /// Baseline TIFF, one strip, 32 × 32 grey in 32-bit floating point.
  private func floatTIFF(nanAt place: Int?) -> [UInt8] {
    let pixels = (0..<1024).map { Float($0 == place ? .nan : Float($0 % 256)) }
    func short(_ x: Int) -> [UInt8] { [UInt8(x & 255), UInt8(x >> 8)] }
    func long(_ x: Int) -> [UInt8] { short(x & 0xffff) + short(x >> 16) }
    let entries: [(tag: Int, type: Int, value: Int)] = [
      (256, 3, 32), (257, 3, 32), (258, 3, 32), (259, 3, 1), (262, 3, 1), (273, 4, 134), (277, 3, 1), (278, 3, 32),
      (279, 4, 4096), (339, 3, 3),
    ]
    var bytes: [UInt8] = [0x49, 0x49, 42, 0] + long(8) + short(entries.count)
    for entry in entries {
      bytes += short(entry.tag) + short(entry.type) + long(1)
      bytes += entry.type == 3 ? short(entry.value) + [0, 0] : long(entry.value)
    }
    bytes += long(0)
    precondition(bytes.count == 134)
    return bytes + pixels.flatMap { pixel in withUnsafeBytes(of: pixel.bitPattern.littleEndian) { Array($0) } }
  }

  /// Flags and things to eat, in their folders; and with two fifths of them in the other.
  @Test(arguments: [false, true]) func picturesInWrongFoldersAreNamed(isMixed: Bool) throws {
    let studio = try Studio()
    let flags = try names().filter { $0.contains("flag-") }.prefix(24)
    let food = try names().filter { $0 >= "1f32d" && $0 < "1f37a" && !$0.contains("flag") }.prefix(60)
    for folder in ["flags", "food"] {
      try FileManager.default.createDirectory(
        atPath: "\(studio.pictures)/\(folder)", withIntermediateDirectories: true)
    }
    for (kind, list) in [("flags", Array(flags)), ("food", Array(food))] {
      for (i, name) in list.enumerated() {
        let isWrong = isMixed && i % 5 < 2
        let folder = isWrong ? (kind == "flags" ? "food" : "flags") : kind
        try FileManager.default.copyItem(
          atPath: "\(Self.examples)/\(name)", toPath: "\(studio.pictures)/\(folder)/\(name)")
      }
    }
    let found = try causes(studio, pictures: 32)
    #expect(found == (isMixed ? [.mixedLabels] : []))
  }
}
