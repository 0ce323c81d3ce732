import Networks
import Torch

/// What makes pictures, or makes something of them: networks with their settings, and nothing that only training needs.
///
/// A recipe trains a model and owns it; a verb that uses one opens it from a file and has nothing else.
public protocol Model: AnyObject {
  associatedtype Settings: RecipeSettings

  /// Networks as the settings have them, without weights: `Checkpoint.restore` gives `parts` those of a file, which are
  /// read when they are first used; a recipe fills them to train them.
  init(_ settings: Settings, on device: Device) throws(RecipeError)

  var settings: Settings { get }
  /// The networks, by their names in a file, such as "generator.average".
  var parts: [String: any Saved] { get }
}

/// A model that makes pictures of its own.
public protocol PictureModel: Model {
  /// What it can be asked for.
  var offers: Offers { get }
  /// Latents [N, `offers.latent`] on the CPU: the request's own, or those of its seeds and class; by default standard normal.
  func latents(of request: PictureRequest) -> Tensor
  /// What is asked for, or why it can't be had, before anything is made.
  ///
  /// - Throws: `RecipeError.unknownClass` or `badSetting`.
  func check(_ request: PictureRequest) throws(RecipeError)
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU; each the same in whatever batch.
  ///
  /// - Parameter request: one that `check` has nothing against.
  func pictures(_ request: PictureRequest) -> Tensor
}

/// A model whose layers are steered by styles (w), one each, that can be changed on their own.
public protocol StyleModel: PictureModel {
  /// What turns styles into pictures: its parameters may be tuned to one picture.
  var synthesizer: any Module { get }
  /// Styles [N, layers, D], on the device, of a request's latents or seeds, class and truncation.
  func styles(_ request: PictureRequest) -> Tensor
  /// Pictures [N, C, H, W], mostly in -1...1, on the device, of styles; can be differentiated.
  func synthesize(_ styles: Tensor) -> Tensor
  /// What turns styles into scales, layer by layer: [outputs, D] each, on the device.
  var styleWeights: [Tensor] { get }
}

/// A model that can take a picture in and give it back.
public protocol ReconstructingModel: PictureModel {
  /// Pictures [N, C, H, W] in -1...1, float32 on the CPU, as near to the given ones, of the model's size, as it comes.
  func reconstruct(_ pictures: Tensor) -> Tensor
}

/// A model that can say which latents a picture is made from.
public protocol EncodingModel: ReconstructingModel {
  /// Latents [N, D], on the CPU, of pictures [N, C, H, W] in -1...1 of the model's size.
  func encode(_ pictures: Tensor) -> Tensor
}

extension EncodingModel {
  public func reconstruct(_ pictures: Tensor) -> Tensor { sample(latents: encode(pictures)) }
}

/// What a model of pictures can be asked for beside a seed.
public struct Offers: Sendable, Equatable {
  /// Numbers of the latent that a picture is made from; nil where there isn't one each.
  public var latent: Int?
  /// Names of the classes; none where it knows none.
  public var classes: [String]
  /// How it draws when nobody says, where pictures are drawn in steps.
  public var sampling: Sampling?
  /// Whether it redraws pictures, and fills what a mask covers (inpainting).
  public var redraws: Bool
  /// Whether its pictures move.
  public var moves: Bool

  public init(
    latent: Int? = nil, classes: [String] = [], sampling: Sampling? = nil, redraws: Bool = false, moves: Bool = false
  ) {
    (self.latent, self.classes, self.sampling) = (latent, classes, sampling)
    (self.redraws, self.moves) = (redraws, moves)
  }
}

/// What pictures are wanted.
public struct PictureRequest {
  /// One per picture.
  public var seeds: [UInt64]
  /// [N, D] on the CPU, in place of the seeds' own.
  public var latents: Tensor?
  /// One of `Offers.classes`. Nil for all of them, as often as the set has them, one by each seed, or `between`; of latents
  /// without either for none.
  public var className: String?
  /// Of latents on the way from one seed's to another's: the seeds, and how far on each is, 0...1. A picture's class is then as
  /// far between theirs.
  public var between: [(from: UInt64, to: UInt64, part: Double)] = []
  /// How far pictures are driven towards their class: 1 as learned, more for clearer and less various ones.
  public var guidance = 1.0
  /// How far latents stay from the model's middle, 0...1: there pictures vary less and fail less often.
  public var truncation = 1.0
  /// How it draws; nil as it does by itself.
  public var sampling: Sampling?
  /// Pictures to begin with: [N, C, H, W] in -1...1 on the CPU, of the model's size, one per seed.
  public var given: Tensor?
  /// Of `given`, how much is drawn anew, 0...1 (SDEdit, Meng et al. 2022).
  public var strength = 1.0
  /// [N, 1, H, W]: 1 where something else is drawn over `given`, 0 where pixels stay, exactly.
  public var mask: Tensor?
  /// Where in a motion each picture is.
  public var motion: Motion?

  public init(seeds: [UInt64]) { self.seeds = seeds }
  public init(latents: Tensor) { (seeds, self.latents) = ([], latents) }

  /// How many pictures.
  public var count: Int { latents?.size(0) ?? seeds.count }
}

/// Times of a motion.
public struct Motion: Sendable, Equatable {
  /// In seconds, one per picture.
  public var times: [Double]
  public var seed: UInt64
  /// Seconds after which it is exactly where it was; nil when it needn't be.
  public var period: Double?

  public init(times: [Double], seed: UInt64, period: Double? = nil) {
    (self.times, self.seed, self.period) = (times, seed, period)
  }
}

/// How a diffusion model draws its pictures.
public enum Sampling: Sendable, Equatable, CustomStringConvertible {
  /// Heun's method; 2 · steps − 1 evaluations of the network.
  case heun(Int)
  /// DPM-Solver++; `steps` evaluations.
  case solver(Int)
  /// The distilled network in 1, 2 or 4 steps.
  case quick(Int)

  /// - Parameter words: `heun:40`, `solver:20`, `quick:4`, or the name alone.
  public init?(_ words: String) {
    let parts = words.split(separator: ":", omittingEmptySubsequences: false)
    let count = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts.first, count) {
    case ("heun", nil) where parts.count == 1: self = .heun(40)
    case ("solver", nil) where parts.count == 1: self = .solver(20)
    case ("quick", nil) where parts.count == 1: self = .quick(4)
    case ("heun", let n?) where (2...1000).contains(n): self = .heun(n)
    case ("solver", let n?) where (2...1000).contains(n): self = .solver(n)
    case ("quick", let n?) where [1, 2, 4].contains(n): self = .quick(n)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .heun(let n): "heun:\(n)"
    case .solver(let n): "solver:\(n)"
    case .quick(let n): "quick:\(n)"
    }
  }
}

extension PictureModel {
  public func latents(of request: PictureRequest) -> Tensor {
    if let latents = request.latents { return latents }
    guard let size = offers.latent else { preconditionFailure("this model makes pictures of no latents") }
    return gaussianLatents(seeds: request.seeds, size: size)
  }

  public func latents(seeds: [UInt64]) -> Tensor { latents(of: PictureRequest(seeds: seeds)) }

  public func check(_ request: PictureRequest) throws(RecipeError) {
    if let name = request.className, !offers.classes.contains(name) {
      throw .unknownClass(name, known: offers.classes)
    }
  }

  /// A picture per seed.
  public func sample(seeds: [UInt64]) -> Tensor { pictures(PictureRequest(seeds: seeds)) }

  /// A picture per row of latents [N, D].
  public func sample(latents: Tensor, truncation: Double = 1) -> Tensor {
    var request = PictureRequest(latents: latents)
    request.truncation = truncation
    return pictures(request)
  }
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

/// The same with the classes [N, K] of each row; nil where there are none.
public func inEqualBatches(
  of limit: Int, _ latents: Tensor, classes: Tensor?, _ decode: (Tensor, Tensor?) -> Tensor
) -> Tensor {
  guard let classes else { return inEqualBatches(of: limit, latents) { decode($0, nil) } }
  // Classes go along as the last columns, since batches are filled up.
  let width = latents.size(1)
  return inEqualBatches(of: limit, Tensor.concatenated([latents, classes], dim: 1)) { rows in
    decode(
      rows.narrowed(dim: 1, from: 0, count: width), rows.narrowed(dim: 1, from: width, count: classes.size(1)))
  }
}
