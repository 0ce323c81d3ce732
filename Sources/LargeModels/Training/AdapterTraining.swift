import Foundation
import Networks
import Torch

/// How a LoRA learns.
public struct AdapterSettings: Codable, Sendable, Equatable {
  public var rank = 16  // 1 to 1024
  /// The change is multiplied by alpha / rank; nil is the rank.
  public var alpha: Double?
  /// Of the UNet's factors, for AdamW.
  public var rate = 1e-4
  /// Of the text encoders' factors; 0 leaves the text encoders as they are.
  public var textRate = 0.0
  /// What min-SNR weighting cuts at (Hang et al. 2023, equation 7); 0 weights all noise levels alike.
  public var minSNR = 5.0
  /// The share of examples that are told no words, so that guidance goes on working.
  public var dropout = 0.1
  /// Gradient checkpointing: the UNet computes again what its gradients need, in place of keeping it. nil where memory is short.
  public var recomputes: Bool?
  public init() {}
}

/// Learns a LoRA (Hu et al. 2022) of a model: its weights become W + s · up · down, of which only the two small factors change.
///
/// The gradient of the whole weight is computed and projected on the factors, which is exact; the network is the one that draws.
public final class AdapterTraining {
  /// A picture's scaled latents [1, latents, H / 8, W / 8], and its words.
  public struct Example {
    public let latents: Tensor
    let request: DrawingRequest
    /// What the words tell the denoiser; nil where the text encoders learn as well.
    let told: Conditions?
    var size: (height: Int, width: Int) { request.size! }
  }
  /// What chance decides about an example in a step.
  struct Draw {
    /// Of the schedule's noise levels.
    var step: Int
    var noise: Tensor
    var isSilent = false
  }

  public let settings: AdapterSettings
  let factors: AdapterFactors
  private let pipeline: DrawingPipeline
  private let optimizers: [AdamW]
  private let shares: [Double]
  /// What no words tell, by size and crop.
  private var silences: [String: Conditions] = [:]

  /// - Parameters:
  ///   - memoryIsShort: whether a UNet that keeps what its gradients need would be too large; where the settings don't say.
  ///   - pipeline: in float32, of a model that isn't for inpainting, with all networks kept where text encoders learn; it draws with what
  ///     is learned by then.
  ///   - noise: draws what the factors begin with.
  public init(
    _ pipeline: DrawingPipeline, _ settings: AdapterSettings = AdapterSettings(), memoryIsShort: Bool = false,
    noise: inout Noise
  ) {
    precondition(pipeline.precision == .float32, "a LoRA learns in float32")
    precondition(settings.rank > 0, "a rank of \(settings.rank)")
    precondition(!pipeline.model.isForInpainting, "a LoRA of an inpainting model")
    precondition(settings.textRate == 0 || pipeline.memory == .kept, "text encoders that learn are kept")
    (self.pipeline, self.settings) = (pipeline, settings)
    recomputes = settings.recomputes ?? memoryIsShort
    shares = pipeline.model.schedule.signalShares()
    factors = AdapterFactors(
      pipeline, rank: settings.rank, alpha: settings.alpha ?? Double(settings.rank), withText: settings.textRate > 0,
      noise: &noise)
    optimizers =
      [AdamW(factors.all(ofText: false), rate: settings.rate)]
      + (settings.textRate > 0 ? [AdamW(factors.all(ofText: true), rate: settings.textRate)] : [])
  }

  /// Its state for a checkpoint, by name.
  public var saved: [String: any Saved] {
    var saved: [String: any Saved] = ["adapter": factors]
    for (name, optimizer) in zip(["optimizer.unet", "optimizer.text"], optimizers) { saved[name] = optimizer }
    return saved
  }

  private var learnsText: Bool { optimizers.count > 1 }
  /// Whether the UNet computes again what its gradients need.
  public let recomputes: Bool

  /// Encodes a picture [1, 3, H, W] in -1...1, sides multiples of 8, and its words.
  ///
  /// - Parameters:
  ///   - crop: SDXL is told the height and width that the picture had, and where it was cut, from the top and the left.
  ///   - latents: the picture's, where they were encoded before.
  public func example(
    _ picture: Tensor, caption: String, crop: (height: Int, width: Int, top: Int, left: Int)? = nil,
    latents known: Tensor? = nil, noise: inout Noise
  ) -> Example {
    withoutGradients {
      var request = DrawingRequest(prompt: caption)
      (request.isWeighted, request.guidance, request.crop) = (false, 1, crop)
      request.size = (picture.size(2), picture.size(3))
      let f = pipeline.factor
      let drawn = noise.normal(
        [1, pipeline.model.vae.configuration.latents, picture.size(2) / f, picture.size(3) / f], on: pipeline.device)
      let latents = known?.to(pipeline.device) ?? pipeline.encoded(picture.to(pipeline.device), { drawn })
      return Example(latents: latents, request: request, told: learnsText ? nil : conditions(request))
    }
  }

  private func conditions(_ request: DrawingRequest) -> Conditions {
    pipeline.conditions(request, height: request.size!.height, width: request.size!.width)
  }

  private func conditions(of example: Example, silent: Bool) -> Conditions {
    guard silent else { return example.told ?? conditions(example.request) }
    var request = example.request
    request.prompt = ""
    if learnsText { return conditions(request) }
    let key = "\(example.size) \(request.crop.map { "\($0)" } ?? "")"
    if let known = silences[key] { return known }
    let found = withoutGradients { conditions(request) }
    silences[key] = found
    return found
  }

  func draw(for example: Example, noise: inout Noise) -> Draw {
    let step = noise.integers(below: pipeline.model.schedule.trainedSteps, count: 1)[0]
    let drawn = noise.normal(example.latents.shape, on: pipeline.device)
    return Draw(
      step: step, noise: drawn, isSilent: settings.dropout > 0 && noise.bernoulli(settings.dropout, [1]).bools[0])
  }

  /// The loss of an example.
  func loss(_ example: Example, _ draw: Draw) -> Tensor {
    let schedule = pipeline.model.schedule
    let level = NoiseLevel(timestep: Double(draw.step), share: shares[draw.step])
    let x = example.latents * level.alpha + draw.noise * level.sigma
    let told = conditions(of: example, silent: draw.isSilent)
    let answer = pipeline.denoiser.module(x.channelsLast(), timestep: level.timestep, told, control: nil)
    let target =
      schedule.prediction == .noise ? draw.noise : draw.noise * level.alpha - example.latents * level.sigma
    let error = meanSquaredError(answer.to(.float32), target)
    guard settings.minSNR > 0 else { return error }
    let signal = pow(level.alpha / level.sigma, 2)
    return error
      * (min(signal, settings.minSNR) / (schedule.prediction == .noise ? max(signal, 1e-12) : signal + 1))
  }

  /// Updates the factors once, by the mean of the examples' losses.
  ///
  /// - Parameter rateScale: of the rates in this step.
  /// - Returns: that mean, before.
  @discardableResult
  public func step(_ examples: [Example], rateScale: Double = 1, noise: inout Noise) -> Double {
    step(examples.map { ($0, draw(for: $0, noise: &noise)) }, rateScale: rateScale)
  }

  @discardableResult
  func step(_ examples: [(example: Example, draw: Draw)], rateScale: Double = 1) -> Double {
    precondition(!examples.isEmpty, "a step without examples")
    var (sum, total) = ([Tensor](), 0.0)
    pipeline.denoiser.module.recomputes = recomputes
    defer { pipeline.denoiser.module.recomputes = false }
    // One after the other: memory is one example's.
    for (example, draw) in examples {
      let loss = loss(example, draw) / Double(examples.count)
      let found = factors.gradients(of: loss)
      total += loss.item()
      sum = sum.isEmpty ? found : withoutGradients { zip(sum, found).map(+) }
    }
    // Those of the text encoders come last.
    let split = optimizers[0].parameters.count
    for (optimizer, part) in zip(optimizers, [Array(sum[..<split]), Array(sum[split...])]) {
      let rate = optimizer.rate
      optimizer.rate = rate * rateScale
      optimizer.step(part.map(Optional.some))
      optimizer.rate = rate
    }
    factors.fold()
    return total
  }

  /// What `body` draws with the pipeline without anything that was learned.
  public func without<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    factors.fold(0)
    defer { factors.fold() }
    return try body()
  }

  /// Writes a file with kohya's names, which other tools read.
  ///
  /// - Parameter metadata: more of it, such as "ss_num_train_images".
  /// - Throws: `LargeModelError.badSetting` where nothing was learned yet: such a file would change nothing; `SafetensorsError`.
  public func write(to path: String, metadata: [String: String] = [:]) throws {
    guard factors.isAnything else {
      throw LargeModelError.badSetting("out", why: "the LoRA changes nothing yet, train it first")
    }
    let base =
      switch pipeline.model.family {
      case .sd1: "sd_v1"
      case .sd2: pipeline.model.schedule.prediction == .velocity ? "sd_v2_v" : "sd_v2"
      case .sdxl: "sdxl_base_v1-0"
      }
    var own = [
      "ss_base_model_version": base, "ss_network_module": "networks.lora", "ss_network_dim": "\(factors.rank)",
      "ss_network_alpha": "\(factors.alpha)", "ss_unet_lr": "\(settings.rate)",
      "ss_caption_dropout_rate": "\(settings.dropout)",
    ]
    if learnsText { own["ss_text_encoder_lr"] = "\(settings.textRate)" }
    if settings.minSNR > 0 { own["ss_min_snr_gamma"] = "\(settings.minSNR)" }
    try Safetensors.write(factors.published, metadata: own.merging(metadata) { $1 }, to: path)
  }
}
