import TestSupport
import Foundation
import Networks
import Torch
import Training

/// Learns to make the set's pictures from noise by least squares: the smallest thing with all that a recipe has.
final class Toy: Recipe {
  static let use = Use.pictures
  struct Settings: RecipeSettings {
    var size: PictureSize = 4
    var channels = 1
    var batch = 8
    var rate = 0.01
    var widths = [16]
    var mirror = false
    /// The fraction after which rates are said to fall.
    var rateHold = 0.5
    /// Pictures seen at which the network is spoilt, as often as `spoilings` says.
    var spoilAt = -1
    var spoilings = 1
    var activation = "tanh"
    /// Seconds that pictures take.
    var slowness = 0.0
    static let shaping: Set = ["activation", "widths"]
  }
  final class Painter: Module {
    let first: Linear, last: Linear
    init(_ settings: Settings) {
      first = Linear(4, settings.widths[0])
      last = Linear(settings.widths[0], settings.channels * settings.side * settings.side)
    }
    func callAsFunction(_ z: Tensor) -> Tensor { tanh(last(tanh(first(z)))) }
  }
  static let name = "toy"
  static let summary = "For tests."
  static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    return settings
  }

  let model: ToyModel
  let painter: Painter, average: MovingAverage<Painter>, optimizer: Adam
  private(set) var rates: [Double] = [], fractions: [Double] = []
  private var spoilings = 0

  init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try ToyModel(settings, on: device)
    painter = Painter(settings)
    painter.initialize(&noise)
    average = MovingAverage(model.painter.module, of: painter)
    optimizer = Adam(painter.parameters, rate: settings.rate)
  }
  convenience init(_ settings: Settings = Settings(), seed: UInt64 = 0) {
    var noise = Noise(seed: seed)
    try! self.init(settings, noise: &noise, on: .cpu)
  }

  var saved: [String: any Saved] { ["painter": painter, "painter.average": average, "optimizer": optimizer] }
  var mirrors: Bool { settings.mirror }
  var rateHold: Double? { settings.rateHold }

  func step(_ batch: Batch, noise: inout Noise, at progress: Training.Progress) -> [Reading] {
    optimizer.rate = settings.rate * progress.rateScale
    fractions.append(progress.fraction)
    rates.append(optimizer.rate)
    let z = noise.normal([batch.pictures.size(0), 4])
    let loss = meanSquaredError(painter(z), batch.pictures.flattened(from: 1))
    optimizer.step(minimizing: loss)
    average.follow(painter, decay: 0.9)
    if settings.spoilAt == progress.picturesSeen, spoilings < settings.spoilings {
      spoilings += 1
      withoutGradients { painter.last.weight.fill(.nan) }
    }
    return [Reading("loss", loss)]
  }
}

/// What `Toy` trains.
final class ToyModel: PictureModel {
  let settings: Toy.Settings
  let painter: LazyModule<Toy.Painter>

  init(_ settings: Toy.Settings, on device: Device) throws(RecipeError) {
    self.settings = settings
    painter = LazyModule(Toy.Painter(settings), on: device)
  }

  var parts: [String: any Saved] { ["painter.average": painter] }
  var offers: Offers { Offers(latent: 4) }
  func pictures(_ request: PictureRequest) -> Tensor {
    if settings.slowness > 0 { usleep(UInt32(1e6 * settings.slowness)) }
    return withoutGradients {
      inEqualBatches(of: 4, latents(of: request)) {
        painter.module($0).reshaped([-1, settings.channels, settings.side, settings.side])
      }
    }
  }
}

/// Twenty pictures of 4 px with pixel k of picture n equal to 10 n + k.
func toySet(count: Int = 20) -> PictureSet {
  let bytes = (0..<count * 16).map { i -> UInt8 in UInt8((i / 16) * 10 + i % 16) }
  return PictureSet(Tensor(bytes, shape: [count, 1, 4, 4]))
}

/// A folder that is gone after the test.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = temporaryPath("atelier")
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// Whether two recipes hold the same to the bit.
func areEqual(_ a: some Recipe, _ b: some Recipe) -> Bool {
  a.saved.keys == b.saved.keys
    && a.saved.allSatisfy { name, part in
      let other = b.saved[name]!.savedTensors
      return part.savedTensors.allSatisfy { $1.rawBytes == other[$0]!.rawBytes }
    }
}
