import Networks
import Torch
import Training

import func Foundation.cos

/// A codebook with its encoder and decoder, and the transformer that samples its codes.
public final class VQGANModel: ReconstructingModel {
  public let settings: VQGANSettings
  let encoder: LazyModule<VQEncoder>, decoder: LazyModule<VQDecoder>
  let codebook: LazyModule<Codebook>, prior: LazyModule<CodePrior>
  private let device: Device

  public init(_ settings: VQGANSettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    encoder = LazyModule(Self.encoder(settings), on: device)
    decoder = LazyModule(Self.decoder(settings), on: device)
    codebook = LazyModule(Codebook(settings.codes, settings.dimensions), on: device)
    prior = LazyModule(Self.prior(settings), on: device)
  }

  static func encoder(_ settings: VQGANSettings) -> VQEncoder {
    VQEncoder(
      widths: settings.widths, stem: settings.stem, dimensions: settings.dimensions, channels: settings.channels)
  }
  static func decoder(_ settings: VQGANSettings) -> VQDecoder {
    VQDecoder(widths: settings.widths, dimensions: settings.dimensions, channels: settings.channels)
  }
  static func prior(_ settings: VQGANSettings) -> CodePrior {
    CodePrior(
      codes: settings.codes, places: settings.grid * settings.grid, width: settings.priorWidth,
      depth: settings.priorDepth)
  }

  public var parts: [String: any Saved] {
    ["encoder.average": encoder, "decoder.average": decoder, "codebook": codebook, "prior.average": prior]
  }
  /// Its pictures come from codes, not from one latent each.
  public var offers: Offers { Offers() }

  /// Before they are told by codes, [N, dimensions, grid, grid].
  private func features(of pictures: Tensor) -> Tensor { encoder.module(pictures.to(device).channelsLast()) }

  /// [N, places], by rows.
  func codes(of pictures: Tensor) -> Tensor {
    codebook.module.quantized(features(of: pictures)).indices.flattened(from: 1)
  }

  /// [N, places] to pictures, in float32.
  private func pictures(of indices: Tensor) -> Tensor {
    let grid = indices.reshaped([indices.size(0), settings.grid, settings.grid])
    let made = decoder.module(codebook.module.features(of: grid))
    return clamp(made.to(.cpu), min: -1, max: 1).contiguous()
  }

  public func reconstruct(_ pictures: Tensor) -> Tensor {
    withoutGradients { inEqualBatches(of: 16, pictures) { self.pictures(of: codes(of: $0)) } }
  }

  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let seeds = request.seeds
      // Numbers of seeds as rows, so that a short batch is filled up; their noise is drawn inside.
      let rows = Tensor(seeds.indices.map { Int($0) }, shape: [seeds.count, 1])
      return inEqualBatches(of: 16, rows) { rows in
        var noises = rows.ints.map { Noise(seed: seeds[$0]) }
        return pictures(of: drawnGrids(&noises))
      }
    }
  }

  /// [N, places] of which nothing is known.
  func hiddenCodes(_ n: Int) -> Tensor {
    Tensor.full([n, settings.grid * settings.grid], Double(settings.codes), dtype: .int64, on: device)
  }

  /// All codes hidden at first; in each step those that the network is surest of are kept (Chang et al. 2022, section 3.2).
  private func drawnGrids(_ noises: inout [Noise]) -> Tensor {
    let (n, places) = (noises.count, settings.grid * settings.grid)
    var indices = hiddenCodes(n)
    for step in 1...settings.steps {
      let logits = prior.module(indices)
      // Gumbel's noise draws from the softmax; each seed has its own.
      func gumbel(_ shape: [Int]) -> Tensor {
        let uniform = noises.indices.map { noises[$0].uniform(shape, from: 1e-7, to: 1 - 1e-7) }
        return -log(-log(Tensor.stacked(uniform))).to(device)
      }
      let drawn = (logits + gumbel([places, settings.codes]) * settings.temperature).max(dim: 2).indices
      let isHidden = indices.equal(to: Double(settings.codes))
      let all = whereTrue(isHidden, drawn, indices)
      let left = Int((Double(places) * cos(Double.pi / 2 * Double(step) / Double(settings.steps))).rounded(.down))
      guard step < settings.steps, left > 0 else { return all }
      let confidence = logSoftmax(logits, dim: 2).gathered(dim: 2, index: all.unsqueezed(2)).squeezed(2)
      // Chance matters less towards the end; what is known stays.
      let chance = gumbel([places]) * (4.5 * (1 - Double(step) / Double(settings.steps)))
      let order = whereTrue(isHidden, confidence + chance, confidence * 0 + 1e9)
      let limit = order.topK(left, dim: 1, largest: false).values.max(dims: [1], keepDims: true)
      indices = whereTrue(order.lessOrEqual(to: limit), hiddenCodes(n), all)
    }
    return indices
  }
}
