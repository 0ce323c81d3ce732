import Foundation
import Networks
import Torch

/// Learns a LoRA (Hu et al. 2022) of a model's UNet: its weights become W + s · up · down, of which only the two small factors change.
///
/// The gradient of the whole weight is computed and projected on the factors: ∂up = s · ∂W · downᵀ, ∂down = s · upᵀ · ∂W. This is exact, and
/// the network is the one that draws.
public final class AdapterTraining {
  /// A layer that changes.
  struct Layer {
    /// As kohya's files name it.
    let name: String
    /// The network's, and what it is without the LoRA: [out, in].
    let weight: Tensor, base: Tensor
    /// [rank, in] and [out, rank].
    let down: Tensor, up: Tensor
  }
  /// A picture's scaled latents [1, latents, H / 8, W / 8], and what its words tell the denoiser.
  public struct Example {
    let latents: Tensor
    let told: Conditions
  }

  public let rank: Int
  public let alpha: Double
  /// What min-SNR weighting cuts at (Hang et al. 2023, equation 7); nil weights all noise levels alike.
  public let gamma: Double?
  let layers: [Layer]
  private let pipeline: DrawingPipeline
  private let optimizer: AdamW
  private let shares: [Double]

  /// - Parameters:
  ///   - pipeline: in float32, of a model that isn't for inpainting; it draws with what is learned by then.
  ///   - alpha: the change is multiplied by alpha / rank; nil is the rank.
  ///   - noise: draws `down` as PEFT and kohya begin it, uniform within 1 / √in; `up` is 0.
  public init(
    _ pipeline: DrawingPipeline, rank: Int = 16, alpha: Double? = nil, rate: Double = 1e-4, gamma: Double? = 5,
    noise: inout Noise
  ) {
    precondition(pipeline.precision == .float32, "a LoRA learns in float32")
    precondition(rank > 0, "a rank of \(rank)")
    precondition(!pipeline.model.isForInpainting, "a LoRA of an inpainting model")
    (self.pipeline, self.rank, self.alpha, self.gamma) = (pipeline, rank, alpha ?? Double(rank), gamma)
    shares = pipeline.model.schedule.signalShares()
    var layers: [Layer] = []
    for (name, weight) in pipeline.denoiser.module.state.sorted(by: { $0.name < $1.name }) where Self.isLearned(name) {
      let (outputs, inputs) = (weight.size(0), weight.size(1))
      let bound = 1 / Double(inputs).squareRoot()
      let down = ((noise.uniform([rank, inputs]) * 2 - 1) * bound).to(weight.device)
      layers.append(
        Layer(
          name: Self.fileName(name, pipeline.model), weight: weight, base: weight.cloned(), down: down,
          up: Tensor.zeros([outputs, rank]).to(weight.device)))
      weight.requiringGradient(true)
    }
    self.layers = layers
    optimizer = AdamW(layers.flatMap { [$0.down, $0.up] }, rate: rate)
  }

  /// The projections of attention, as diffusers' programs choose them.
  private static func isLearned(_ name: String) -> Bool {
    ["to_q", "to_k", "to_v", "to_out.0"].contains { name.hasSuffix(".\($0).weight") }
  }

  /// kohya's name of a layer: by diffusers' path, by the original one for SDXL.
  private static func fileName(_ name: String, _ model: LargeModel) -> String {
    let c = model.unet.configuration
    let original = KeyRules.unet(levels: c.widths.count, blocks: c.blocks).originals(of: name).first
    let path = model.family == .sdxl ? original ?? name : name
    return "lora_unet_" + path.dropLast(".weight".count).replacing(".", with: "_")
  }

  private var scale: Double { alpha / Double(rank) }

  /// Encodes a picture [1, 3, H, W] in -1...1, sides multiples of 8, and its words.
  public func example(_ picture: Tensor, caption: String, noise: inout Noise) -> Example {
    withoutGradients {
      var request = DrawingRequest(prompt: caption)
      (request.isWeighted, request.guidance) = (false, 1)
      let f = pipeline.factor
      let drawn = noise.normal(
        [1, pipeline.model.vae.configuration.latents, picture.size(2) / f, picture.size(3) / f], on: pipeline.device)
      return Example(
        latents: pipeline.encoded(picture.to(pipeline.device), { drawn }),
        told: pipeline.conditions(request, height: picture.size(2), width: picture.size(3)))
    }
  }

  /// The loss of one example at a noise level drawn from `noise`.
  func loss(_ example: Example, noise: inout Noise) -> Tensor {
    let schedule = pipeline.model.schedule
    let step = noise.integers(below: schedule.trainedSteps, count: 1)[0]
    let level = NoiseLevel(timestep: Double(step), share: shares[step])
    let drawn = noise.normal(example.latents.shape, on: pipeline.device)
    let x = example.latents * level.alpha + drawn * level.sigma
    let answer = pipeline.denoiser.module(x.channelsLast(), timestep: level.timestep, example.told, control: nil)
    let target =
      schedule.prediction == .noise ? drawn : drawn * level.alpha - example.latents * level.sigma
    let error = meanSquaredError(answer.to(.float32), target)
    guard let gamma else { return error }
    let signal = pow(level.alpha / level.sigma, 2)
    return error * (min(signal, gamma) / (schedule.prediction == .noise ? signal : signal + 1))
  }

  /// The gradients of the factors, `down` and `up` of each layer in turn.
  func factorGradients(of loss: Tensor) -> [Tensor] {
    let whole = gradients(of: loss, withRespectTo: layers.map(\.weight))
    return withoutGradients {
      zip(layers, whole).flatMap { layer, gradient in
        [layer.up.T.matmul(gradient) * scale, gradient.matmul(layer.down.T) * scale]
      }
    }
  }

  /// Updates the factors once, by the mean of the examples' losses.
  ///
  /// - Returns: that mean, before.
  @discardableResult
  public func step(_ examples: [Example], noise: inout Noise) -> Double {
    precondition(!examples.isEmpty, "a step without examples")
    var (sum, total) = ([Tensor](), 0.0)
    // One after the other: memory is one example's.
    for example in examples {
      let loss = loss(example, noise: &noise) / Double(examples.count)
      let found = factorGradients(of: loss)
      total += loss.item()
      sum = sum.isEmpty ? found : withoutGradients { zip(sum, found).map(+) }
    }
    optimizer.step(sum.map(Optional.some))
    fold()
    return total
  }

  /// Puts what is learned by now into the network's weights.
  func fold() {
    withoutGradients {
      for layer in layers { layer.weight.become(layer.base + layer.up.matmul(layer.down) * scale) }
    }
  }

  /// Writes a file with kohya's names, which other tools read.
  ///
  /// - Throws: `LargeModelError.badSetting` where nothing was learned yet: such a file would change nothing; `SafetensorsError`.
  public func write(to path: String, metadata: [String: String] = [:]) throws {
    guard layers.contains(where: { abs($0.up).max().item() > 0 }) else {
      throw LargeModelError.badSetting("out", why: "the LoRA changes nothing yet, train it first")
    }
    var tensors: [String: Tensor] = [:]
    for layer in layers {
      tensors["\(layer.name).lora_down.weight"] = layer.down.to(.cpu).contiguous()
      tensors["\(layer.name).lora_up.weight"] = layer.up.to(.cpu).contiguous()
      tensors["\(layer.name).alpha"] = Tensor.full([], alpha)
    }
    let base =
      switch pipeline.model.family {
      case .sd1: "sd_v1"
      case .sd2: pipeline.model.schedule.prediction == .velocity ? "sd_v2_v" : "sd_v2"
      case .sdxl: "sdxl_base_v1-0"
      }
    let own = [
      "ss_base_model_version": base, "ss_network_module": "networks.lora", "ss_network_dim": "\(rank)",
      "ss_network_alpha": "\(alpha)",
    ]
    try Safetensors.write(tensors, metadata: own.merging(metadata) { $1 }, to: path)
  }
}
