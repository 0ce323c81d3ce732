import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Models

/// What the recipes that learn from two sets promise beside their mathematics.
@Suite struct TransferTests {
  static func set(_ count: Int, size: Int = 32, seed: UInt64, channels: Int = 3) -> PictureSet {
    var noise = Noise(seed: seed)
    let rough = interpolate(noise.uniform([count, channels, 6, 6], from: 0, to: 255), size: [size, size])
    return PictureSet(rough.to(.uint8))
  }

  static func cycleGAN() -> CycleGANRecipe.Settings {
    var settings = CycleGANRecipe.Settings()
    (settings.size, settings.window, settings.width, settings.blocks, settings.discriminatorWidth) = (36, 32, 4, 1, 4)
    // Full after the second step, so that pictures are exchanged.
    (settings.pool, settings.augment, settings.precision) = (2, 0.5, "float32")
    return settings
  }
  static func cut() -> CUTRecipe.Settings {
    var settings = CUTRecipe.Settings()
    (settings.size, settings.window, settings.width, settings.blocks, settings.discriminatorWidth) = (36, 32, 4, 2, 4)
    (settings.patches, settings.headSize, settings.flips, settings.augment) = (16, 8, true, 0.5)
    (settings.zoom, settings.precision) = (1.1, "float32")
    return settings
  }
  static func pix2pix() -> Pix2PixRecipe.Settings {
    var settings = Pix2PixRecipe.Settings()
    (settings.size, settings.window, settings.width, settings.depth, settings.discriminatorWidth) = (36, 32, 4, 5, 4)
    settings.precision = "float32"
    return settings
  }

  private func resumesExactly<R: Recipe>(_ type: R.Type, _ settings: R.Settings) throws {
    let folder = temporaryPath("atelier")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sets = [Self.set(12, size: 36, seed: 1), Self.set(12, size: 36, seed: 2)]
    func loop(_ seed: UInt64, _ name: String) throws -> Loop<R> {
      var noise = Noise(seed: seed)
      let recipe = try R(settings, noise: &noise, on: .cpu)
      let targets = try Targets(sets[1], for: sets[0], pairing: R.material.pairing!, seed: 5)
      return Loop(
        recipe, on: sets[0], towards: targets, plan: Plan(.pictures(10), seed: 5), folder: "\(folder)/\(name)")
    }
    let whole = try loop(1, "whole")
    try whole.run()
    var steps = 0
    try loop(1, "parts").run(shouldStop: {
      steps += 1; return steps > 5
    })
    let rest = try loop(99, "parts")
    try rest.resume(#require(Checkpoint.latest(in: folder + "/parts")))
    #expect(rest.facts.picturesSeen == 5)
    try rest.run()
    let parts = rest.recipe.saved
    for (part, saved) in whole.recipe.saved {
      for (name, tensor) in saved.savedTensors {
        #expect(parts[part]!.savedTensors[name]!.rawBytes == tensor.rawBytes, "\(part)/\(name)")
      }
    }
  }

  @Test func tenStepsAreFiveSavedAndFiveMore() throws {
    try resumesExactly(CycleGANRecipe.self, Self.cycleGAN())
    try resumesExactly(CUTRecipe.self, Self.cut())
    try resumesExactly(Pix2PixRecipe.self, Self.pix2pix())
  }

  @Test func thePoolIsPartOfACheckpoint() throws {
    var noise = Noise(seed: 1)
    let pool = PicturePool(capacity: 3, channels: 1, size: 2)
    let pictures = (0..<40).map { Tensor.full([1, 1, 2, 2], Double($0)) }
    let given = pictures.map { pool.exchanged($0, noise: &noise).max().item() }
    #expect(Array(given[0..<3]) == [0, 1, 2])
    // Half of the time an older one, never one that is still to come or that was given away.
    let older = (3..<40).filter { given[$0] < Double($0) }
    #expect((8...30).contains(older.count) && older.allSatisfy { given[$0] >= 0 })
    let twin = PicturePool(capacity: 3, channels: 1, size: 2)
    try twin.restore(pool.savedTensors)
    var (a, b) = (Noise(seed: 2), Noise(seed: 2))
    for picture in pictures {
      #expect(pool.exchanged(picture, noise: &a).isEqual(to: twin.exchanged(picture, noise: &b)))
    }
    let none = PicturePool(capacity: 0, channels: 1, size: 2)
    #expect(none.exchanged(pictures[7], noise: &a).isEqual(to: pictures[7]))
  }

  /// From blurred stripes to the same with the colours turned: the errors of the way there and back, and of what is
  /// already right, fall.
  @Test func cycleAndIdentityErrorsFall() throws {
    var settings = Self.cycleGAN()
    (settings.width, settings.rate, settings.augment, settings.size) = (12, 2e-3, 0, 32)
    let first = Self.set(16, seed: 3)
    let second = PictureSet((255 - Self.set(16, seed: 4).pictures.to(.float32)).to(.uint8))
    var noise = Noise(seed: 1)
    let recipe = try CycleGANRecipe(settings, noise: &noise, on: .cpu)
    var found: [String: [Double]] = [:]
    for step in 0..<180 {
      var noise = Noise(seed: 7, at: step)
      let readings = recipe.step(
        Batch(pictures: first.batch([step % 16]), indices: [step % 16], targets: second.batch([step * 5 % 16])),
        noise: &noise, at: Progress(picturesSeen: step, fraction: 0, totalPictures: 60))
      for reading in readings { found[reading.name, default: []].append(reading.value) }
    }
    for name in ["cycle", "identity"] {
      let errors = found[name]!
      let (early, late) = (errors.prefix(10).reduce(0, +), errors.suffix(10).reduce(0, +))
      #expect(late < 0.75 * early, "\(name): \(early / 10) to \(late / 10)")
    }
  }

  @Test func anySizeIsCarried() throws {
    var noise = Noise(seed: 2)
    let networks: [any PictureTransfer & Module] = [
      ResnetGenerator(ResnetShape(width: 4, blocks: 1)),
      ResnetGenerator(ResnetShape(channels: 1, width: 4, blocks: 1, isSmooth: true)),
      UnetGenerator(channels: 3, width: 4, depth: 5),
    ]
    for network in networks {
      network.initialize(&noise, as: .normal(0.1))
      for (height, width) in [(1, 1), (3, 40), (32, 32), (37, 65)] {
        let made = withoutGradients {
          carriedWhole(noise.uniform([1, network.channels, height, width], from: -1, to: 1), by: network)
        }
        #expect(made.shape == [1, network.channels, height, width] && made.allFinite)
      }
    }
  }

  @Test(arguments: [false, true]) func tilesMeetWithoutSeams(isSmooth: Bool) throws {
    var noise = Noise(seed: 3)
    let network = ResnetGenerator(ResnetShape(width: 4, blocks: 1, isAffine: isSmooth, isSmooth: isSmooth))
    network.initialize(&noise, as: .normal(0.2))
    let (height, width) = (298, 351)
    let picture = interpolate(noise.uniform([1, 3, 60, 70], from: -1, to: 1), size: [height, width], mode: .bicubic)
    let whole = try #require(try carried(picture, by: network, bytes: 1e12))
    // A budget for tiles of some 130 pixels, of which 66 are new.
    let bytes = network.bytesPerPixel * 130 * 130 + Double(picture.count) * 16
    var parts = 0
    let tiled = try #require(try carried(picture, by: network, bytes: bytes, report: { _ in parts += 1 }))
    #expect(parts > 10 && tiled.shape == whole.shape)
    // Statistics of a fifth of the picture: near those of the whole, not the same.
    #expect(abs(tiled - whole).mean().item() < 0.12)

    // With the same statistics they are the whole: tiles see as far as the network does.
    let small = interpolate(picture, size: [100, 120])
    func held(_ bytes: Double) throws -> Tensor {
      let fixed = Fixed(network, small)
      return try #require(try carried(picture, by: fixed, bytes: bytes))
    }
    // Sums in another order, for tiles of other shapes.
    #expect(abs(try held(bytes) - held(1e12)).max().item() < 1e-4)

    #expect(throws: TransferError.self) { try carried(picture, by: network, bytes: 1e6) }
    #expect(try carried(picture, by: network, bytes: bytes, shouldStop: { true }) == nil)
  }

  /// Statistics of one picture for whatever comes.
  private final class Fixed: PictureTransfer {
    let network: ResnetGenerator
    init(_ network: ResnetGenerator, _ picture: Tensor) {
      self.network = network
      network.hold(picture)
    }
    deinit { network.release() }
    var channels: Int { network.channels }
    var multiple: Int { network.multiple }
    var least: Int { network.least }
    var margin: Int? { network.margin }
    var bytesPerPixel: Double { network.bytesPerPixel }
    func callAsFunction(_ x: Tensor) -> Tensor { network(x) }
    func hold(_ x: Tensor) {}
    func release() {}
  }

  @Test func weightsFromElsewhereAreTaken() throws {
    var noise = Noise(seed: 4)
    let shape = ResnetShape(width: 4, blocks: 3, isAffine: true)
    let network = ResnetGenerator(shape)
    network.initialize(&noise, as: .normal(0.1))
    let x = noise.uniform([1, 3, 24, 24], from: -1, to: 1)
    let expected = withoutGradients { network(x) }
    let published = network.savedTensors
    func renamed(_ change: (String) -> String) -> [String: Tensor] {
      Dictionary(uniqueKeysWithValues: published.map { (change($0.key), $0.value) })
    }
    var withMore = published
    withMore["model.2.running_mean"] = Tensor.zeros([4])
    withMore["model.2.num_batches_tracked"] = Tensor([7])
    let variants = [
      published, renamed { String($0.dropFirst(6)) }, renamed { $0.replacing("conv_block", with: "block") }, withMore,
      renamed {
        $0.replacing("block.6.", with: "block.7.").replacing("block.5.", with: "block.6.")
      },
    ]
    for weights in variants {
      let found = try transferNetwork(weights)
      #expect((found.network as? ResnetGenerator)?.shape == shape)
      #expect(withoutGradients { carriedWhole(x, by: found.network) }.isEqual(to: expected))
      #expect(Set(found.state.keys) == Set(published.keys))
    }

    let unet = UnetGenerator(channels: 3, width: 4, depth: 5)
    unet.initialize(&noise)
    let found = try transferNetwork(unet.savedTensors)
    #expect((found.network as? UnetGenerator)?.depth == 5)
    let y = noise.uniform([1, 3, 32, 32], from: -1, to: 1)
    unet.setTraining(false)
    #expect(withoutGradients { carriedWhole(y, by: found.network).isEqual(to: unet(y)) })

    var broken = published
    broken["model.10.conv_block.1.weight"] = nil
    #expect(throws: StateError.self) { try transferNetwork(broken) }
    #expect(throws: StateError.self) { try transferNetwork(["fc.weight": Tensor.zeros([2, 2])]) }
    #expect(throws: StateError.self) { try transferNetwork([:]) }
  }

  @Test func statesHaveThePublishedNames() {
    let names = Set(ResnetGenerator(ResnetShape()).state.map(\.name))
    let blocks = (10...18).flatMap { n in [1, 5].map { "model.\(n).conv_block.\($0)" } }
    let layers = [1, 4, 7, 19, 22, 26].map { "model.\($0)" } + blocks
    #expect(names == Set(layers.flatMap { ["\($0).weight", "\($0).bias"] }))
    // 11.4 million numbers, as the paper's code prints for nine blocks.
    #expect(ResnetGenerator(ResnetShape()).parameterCount == 11_378_179)
    #expect(PatchDiscriminator(channels: 3, width: 64).parameterCount == 2_764_737)
    #expect(ResnetGenerator(ResnetShape(isSmooth: true)).contrastLayers == [0, 4, 8, 12, 16])
    let unet = Set(UnetGenerator(channels: 3, width: 64, depth: 8).state.map(\.name))
    #expect(unet.contains("model.model.1.model.3.model.3.model.3.model.3.model.3.model.3.model.3.weight"))
    #expect(unet.contains("model.model.0.bias") && !unet.contains("model.model.1.model.1.bias"))
  }

  @Test func impossibleSettingsAreRefused() {
    func sentence<R: Recipe>(_ type: R.Type, _ settings: R.Settings) -> String? {
      var noise = Noise(seed: 0)
      do throws(RecipeError) {
        _ = try R(settings, noise: &noise, on: .cpu)
        return nil
      } catch { return error.sentence }
    }
    var cut = CUTRecipe.Settings()
    cut.window = 90
    #expect(
      sentence(CUTRecipe.self, cut)
        == "The setting 'window' can't be 90: it must be a multiple of 4 from 32 to the size, 96.")
    var cycle = CycleGANRecipe.Settings()
    cycle.channels = 4
    #expect(sentence(CycleGANRecipe.self, cycle)?.contains("use 1 or 3") == true)
    cycle = .init()
    cycle.discriminatorLayers = 5
    #expect(sentence(CycleGANRecipe.self, cycle) != nil)
    var pix = Pix2PixRecipe.Settings()
    pix.depth = 7
    #expect(sentence(Pix2PixRecipe.self, pix)?.contains("multiple of 128") == true)
    #expect(throws: RecipeError.self) {
      try CUTRecipe.settings(for: Situation(pictures: 9, size: 16, channels: 3), preset: nil)
    }
    #expect(throws: RecipeError.self) {
      try CUTRecipe.settings(for: Situation(pictures: 9, size: 96, channels: 3), preset: "slowcut")
    }
  }

  @Test func presetsAreThePapers() throws {
    let situation = Situation(pictures: 1000, targets: 1000, size: 286, channels: 3)
    let large = try CycleGANRecipe.settings(for: situation, preset: "large")
    #expect(large.window == 256 && large.shape == ResnetShape() && large.discriminatorWidth == 64 && large.pool == 50)
    let cut = try CUTRecipe.settings(for: situation, preset: "large")
    #expect(cut.shape == ResnetShape(isSmooth: true) && cut.identity && cut.contrast == 1)
    let fast = try CUTRecipe.settings(for: situation, preset: "fastcut")
    #expect(fast.flips && !fast.identity && fast.contrast == 10)
    let single = try CUTRecipe.settings(
      for: Situation(pictures: 1, targets: 1, size: 256, channels: 3), preset: "sincut")
    #expect(single.window == 64 && single.zoom == 2 && single.augment > 0)
    let pix = try Pix2PixRecipe.settings(for: situation, preset: "large")
    #expect(pix.window == 256 && pix.depth == 8 && pix.width == 64)
  }
}
