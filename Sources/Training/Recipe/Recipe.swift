import Networks
import Torch

/// A model family's part of the training loop.
public protocol Recipe: AnyObject {
  associatedtype Settings: RecipeSettings
  /// As in `--recipe`, for example "dcgan".
  static var name: String { get }
  /// One line for help and `inspect`.
  static var summary: String { get }
  /// Names that `--preset` takes, each with what it is for. "default" is always meant by none.
  static var presets: [(name: String, summary: String)] { get }

  /// Settings that suit the pictures, the processor and the time.
  ///
  /// - Throws: `RecipeError.unknownPreset`, or `impossibleSize` when the recipe can't make such pictures.
  static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings

  /// How long to train when nobody says.
  static func length(for situation: Situation) -> Length
  /// What a picture costs in training, forward and backward through all networks, on average over a run, as
  /// `Situation.gigaflops` counts; nil where nobody measured. A run measures its own steps.
  static func gigaflopsAPicture(in situation: Situation) -> Double?

  /// New networks on `device`, initialised by `noise`.
  init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError)

  var settings: Settings { get }
  /// What a checkpoint holds, by name: "generator", "generator.average", "optimizer.generator", …
  var saved: [String: any Saved] { get }
  /// The part of `saved` that `sample` uses: all that a generator needs when it is published.
  var published: [String: any Saved] { get }
  /// The part of `saved` that a new run may take from another's: by default all but optimizers.
  var inherited: [String: any Saved] { get }
  /// Whether pictures may be seen mirrored, left for right.
  var mirrors: Bool { get }

  /// One update. Returns what to plot.
  func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading]
}

extension Recipe {
  public static var presets: [(name: String, summary: String)] { [] }
  public static func length(for situation: Situation) -> Length { .minutes(20) }
  public static func gigaflopsAPicture(in situation: Situation) -> Double? { nil }
  public var mirrors: Bool { false }
}

/// A recipe that makes pictures out of nothing but a seed.
public protocol SamplingRecipe: Recipe {
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, one per seed; the same in whatever batch.
  func sample(seeds: [UInt64]) -> Tensor
}

/// A recipe whose pictures come from one latent vector each, between which one can walk.
public protocol LatentRecipe: SamplingRecipe {
  /// Latents [N, D], standard normal, one per seed, on the CPU.
  func latents(seeds: [UInt64]) -> Tensor
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, of latents [N, D].
  func decode(_ latents: Tensor) -> Tensor
  /// The same, drawn towards the generator's middle, where pictures vary less and fail less often.
  ///
  /// - Parameter truncation: in 0...1; 1 changes nothing, 0 gives the middle for each.
  func decode(_ latents: Tensor, truncation: Double) -> Tensor
}

extension LatentRecipe {
  public func sample(seeds: [UInt64]) -> Tensor { decode(latents(seeds: seeds)) }
  public func decode(_ latents: Tensor, truncation: Double) -> Tensor { decode(latents * truncation) }
}

/// A recipe whose layers are steered by styles, one each, that can be changed on their own.
public protocol StyleRecipe: LatentRecipe {
  /// What turns styles into pictures: its parameters may be tuned to one picture.
  var synthesizer: any Module { get }
  /// Styles [N, layers, D], on the device, of latents [N, D']; drawn towards the generator's middle as in `decode`.
  func styles(_ latents: Tensor, truncation: Double) -> Tensor
  /// Pictures [N, C, H, W], mostly in -1...1, on the device, of styles; can be differentiated.
  func synthesize(_ styles: Tensor) -> Tensor
  /// What turns styles into scales, layer by layer: [outputs, D] each, on the device.
  var styleWeights: [Tensor] { get }
}

/// A recipe that can take a picture in and give it back.
public protocol ReconstructingRecipe: Recipe {
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, as near to the given ones, of the recipe's size, as it comes.
  func reconstruct(_ pictures: Tensor) -> Tensor
}

/// A recipe that can say which latents a picture is made from.
public protocol EncodingRecipe: LatentRecipe, ReconstructingRecipe {
  /// Latents [N, D], on the CPU, of pictures [N, C, H, W] in -1...1 of the recipe's size: `decode` makes them again, more
  /// or less.
  func encode(_ pictures: Tensor) -> Tensor
}

extension EncodingRecipe {
  public func reconstruct(_ pictures: Tensor) -> Tensor { decode(encode(pictures)) }
}

/// A recipe whose pictures move: of each latent there is one at any time.
public protocol MovingRecipe: LatentRecipe {
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, of latents [N, D] at N times of one motion.
  ///
  /// - Parameters:
  ///   - times: in seconds, from anywhere to anywhere.
  ///   - seed: of the motion.
  ///   - period: seconds after which it is exactly where it was; nil when it needn't be.
  ///   - truncation: as `LatentRecipe` has it.
  func decode(
    _ latents: Tensor, at times: [Double], motion seed: UInt64, period: Double?, truncation: Double
  ) -> Tensor
}

extension MovingRecipe {
  public func decode(_ latents: Tensor, at times: [Double], motion seed: UInt64, truncation: Double = 1) -> Tensor {
    decode(latents, at: times, motion: seed, period: nil, truncation: truncation)
  }
}

/// A recipe that can be asked for pictures of one kind, and learned the kinds from the set's folders.
public protocol ConditionalRecipe: SamplingRecipe {
  /// Names of the kinds; none where the set had none.
  var classes: [String] { get }
  /// Says what `sample` makes from now on.
  ///
  /// - Parameters:
  ///   - name: one of `classes`, or nil for all of them, as often as the set has them.
  ///   - guidance: how far pictures are driven towards the kind: 1 as learned, more for clearer and less various ones.
  /// - Throws: `RecipeError.unknownClass`.
  func choose(_ name: String?, guidance: Double) throws(RecipeError)
}

/// A recipe that goes on from pictures that are there.
public protocol EditingRecipe: SamplingRecipe {
  /// Pictures like given ones, redrawn from a part of the noise (SDEdit, Meng et al. 2022).
  ///
  /// - Parameters:
  ///   - pictures: [N, C, H, W] in -1...1 on the CPU, of the recipe's size, one per seed.
  ///   - strength: in 0...1; 0 changes nothing, 1 leaves nothing of them.
  /// - Returns: [N, C, H, W] in -1...1, float32 on the CPU.
  func redrawn(_ pictures: Tensor, strength: Double, seeds: [UInt64]) -> Tensor
  /// Pictures with something else where the mask is, that fits to the rest.
  ///
  /// - Parameter mask: [N, 1, H, W], 1 where something is to be drawn and 0 where pixels stay, exactly.
  func filled(_ pictures: Tensor, mask: Tensor, seeds: [UInt64]) -> Tensor
}

/// A recipe that makes something of its own set's pictures.
public protocol ShowingRecipe: Recipe {
  /// Rows of a sheet, such as: what is given, what becomes of it, what it should be.
  ///
  /// - Parameter pictures: [N, C, H, W] in -1...1 on the CPU.
  /// - Returns: each [N, C, h, w] in -1...1, float32 on the CPU, all of one size.
  func examples(_ pictures: Tensor) -> [Tensor]
}

/// Standard normal latents [N, size], each drawn from its own seed, so that a picture doesn't depend on its batch.
public func gaussianLatents(seeds: [UInt64], size: Int) -> Tensor {
  Tensor.stacked(
    seeds.map { seed in
      var noise = Noise(seed: seed)
      return noise.normal([size])
    })
}

/// Calls `decode` on at most `limit` rows at a time, so that memory stays bounded.
///
/// A last part that is short is filled up with its first row: kernels choose their order of summation by shape, and
/// a picture must be the same to the bit in whatever batch.
public func inEqualBatches(of limit: Int, _ latents: Tensor, _ decode: (Tensor) -> Tensor) -> Tensor {
  let count = latents.size(0)
  let parts = stride(from: 0, to: count, by: limit).map { start in
    let rows = latents[start..<min(start + limit, count)]
    let missing = limit - rows.size(0)
    guard missing > 0 else { return decode(rows) }
    let filling = rows[0..<1].expanded([missing] + rows.shape.dropFirst())
    return decode(Tensor.concatenated([rows, filling]))[0..<rows.size(0)]
  }
  return parts.count == 1 ? parts[0] : Tensor.concatenated(parts)
}

/// Some of the pictures, as a recipe sees them.
public struct Batch {
  /// float32 [N, C, H, W] in -1...1, channels-last, on the recipe's device.
  public let pictures: Tensor
  /// Their numbers in the set.
  public let indices: [Int]
  /// For a `TransferRecipe`, as many of the second set: float32 [N, C, H', W'] in -1...1.
  public let targets: Tensor?
  /// Their numbers in the second set.
  public let targetIndices: [Int]
  /// For a `SequenceRecipe`, whose pictures are frames of N sequences, their times in seconds: float32 [N, frames] on
  /// the CPU.
  public let times: Tensor?
  /// For a `ConditionalRecipe`, which of its classes each picture is of; -1 for none.
  public let labels: [Int]?

  public init(
    pictures: Tensor, indices: [Int], targets: Tensor? = nil, targetIndices: [Int] = [], times: Tensor? = nil,
    labels: [Int]? = nil
  ) {
    (self.pictures, self.indices, self.targets, self.targetIndices) = (pictures, indices, targets, targetIndices)
    (self.times, self.labels) = (times, labels)
  }
}

/// How far a run is, before the step.
public struct Progress: Sendable {
  public let picturesSeen: Int
  /// 0...1 of the run; by pictures, or by time when a run is given minutes.
  public let fraction: Double
  /// Pictures of the whole run, planned or estimated from the rate.
  public let totalPictures: Int
  /// Multiply learning rates by it: 1, halved each time that a run diverged and was rolled back.
  public let rateScale: Double

  public init(picturesSeen: Int, fraction: Double, totalPictures: Int, rateScale: Double = 1) {
    (self.picturesSeen, self.fraction) = (picturesSeen, fraction)
    (self.totalPictures, self.rateScale) = (totalPictures, rateScale)
  }
}

/// One named number of a step, evaluated only when it is asked for: that waits for the device.
public struct Reading {
  public let name: String
  private let evaluate: () -> Double

  public init(_ name: String, _ value: Double) { (self.name, evaluate) = (name, { value }) }
  /// - Parameter value: one element; cut from the graph.
  public init(_ name: String, _ value: Tensor) {
    let value = value.detached()
    (self.name, evaluate) = (name, { value.item() })
  }
  public var value: Double { evaluate() }
}

/// The situation in which settings are chosen.
public struct Situation: Sendable {
  public var pictures: Int
  /// Pictures of the second set, for a `TransferRecipe`.
  public var targets = 0
  /// Of the set's folders.
  public var classes: PictureClasses?
  /// Height and width of a picture, and 1 (grey), 3 or 4 channels.
  public var size: Int, channels: Int
  public var device: Device
  /// Threads that operators use.
  public var cores: Int
  /// The time given, when a run is given time.
  public var minutes: Double?
  /// The pictures to see, when a run is given pictures.
  public var picturesSeen: Int?
  /// The side of the pictures that its weights have learned already, of a run that begins with another's.
  public var learnedSize: Int?
  /// Billions of multiplications and additions a second in a training step's convolutions, measured.
  public var gigaflops: Double

  public init(
    pictures: Int, targets: Int = 0, size: Int, channels: Int, device: Device = .cpu, cores: Int = Threads.count,
    minutes: Double? = nil, picturesSeen: Int? = nil, gigaflops: Double = 100
  ) {
    (self.pictures, self.size, self.channels, self.device) = (pictures, size, channels, device)
    (self.cores, self.minutes, self.picturesSeen, self.gigaflops) = (cores, minutes, picturesSeen, gigaflops)
    self.targets = targets
  }
}

/// A wrong recipe's name or setting.
public enum RecipeError: Explained, Equatable {
  case unknownRecipe(String, known: [String])
  case unknownPreset(String, recipe: String, known: [String])
  case unknownSetting(String, recipe: String, known: [String])
  case badSetting(String, value: String, reason: String)
  case impossibleSize(Int, recipe: String, reason: String)
  case unknownClass(String, known: [String])

  public var sentence: String {
    switch self {
    case .unknownRecipe(let name, let known):
      "There is no recipe '\(name)': use \(known.joined(separator: ", "))."
    case .unknownPreset(let name, let recipe, let known):
      known.isEmpty
        ? "The recipe \(recipe) has no presets: leave --preset out."
        : "The recipe \(recipe) has no preset '\(name)': use \(known.joined(separator: ", "))."
    case .unknownSetting(let name, let recipe, let known):
      "The recipe \(recipe) has no setting '\(name)': use one of \(known.joined(separator: ", "))."
    case .badSetting(let name, let value, let reason):
      "The setting '\(name)' can't be \(value): \(reason)."
    case .impossibleSize(let size, let recipe, let reason):
      "The recipe \(recipe) can't make pictures of \(size) px: \(reason)."
    case .unknownClass(let name, let known):
      known.isEmpty
        ? "This generator has no classes, so there is no class '\(name)': train one on pictures in folders, one a class."
        : "There is no class '\(name)': use \(known.joined(separator: ", "))."
    }
  }
  public var exit: Exit { .usage }
}
