import Networks
import Torch
import Training

/// A map of pictures, and the network that finds a picture's place on it.
public final class GPLVMModel: EncodingModel {
  public let settings: GPLVMRecipe.Settings
  let encoder: LazyModule<PlaceEncoder>
  let process: LazyModule<SparseProcess>
  private let device: Device

  public init(_ settings: GPLVMRecipe.Settings, on device: Device) throws(RecipeError) {
    try GPLVMRecipe.check(settings)
    (self.settings, self.device) = (settings, device)
    let numbers = settings.channels * settings.side * settings.side
    encoder = LazyModule(
      PlaceEncoder(numbers, hidden: settings.hidden, latent: settings.latent), on: device, usesChannelsLast: false)
    process = LazyModule(
      SparseProcess(inducing: settings.inducing, dimensions: settings.latent, outputs: numbers, noise: 0.1),
      on: device, usesChannelsLast: false)
  }

  public var parts: [String: any Saved] { ["encoder": encoder, "process": process] }
  public var offers: Offers { Offers(latent: settings.latent) }

  /// The process' mean.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      let process = process.module, mean = encoder.module.mean
      return inEqualBatches(of: 16, latents(of: request) * request.truncation) { x in
        let y = process.posterior(at: x.to(device)).mean.to(.float32) + mean
        let side = settings.side
        return clamp(y.to(.cpu), min: -1, max: 1).reshaped([x.size(0), settings.channels, side, side])
      }
    }
  }

  public func encode(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      let encoder = encoder.module
      return inEqualBatches(of: 16, pictures.contiguous().flattened(from: 1)) { y in
        encoder(y.to(device)).mean.to(.cpu).contiguous()
      }
    }
  }
}

/// Pictures [N, numbers] to where they may lie on the map.
final class PlaceEncoder: Module {
  /// The mean picture, [numbers], of those seen: no place is better than any other for it.
  let mean: Tensor
  /// Pictures that it is the mean of.
  let seen: Tensor
  let straight: Linear
  let first: Linear, second: Linear, last: Linear

  init(_ numbers: Int, hidden: Int, latent: Int) {
    (mean, seen) = (Tensor.zeros([numbers]), Tensor.zeros([1]))
    straight = Linear(numbers, latent, bias: false)
    (first, second) = (Linear(numbers, hidden), Linear(hidden, hidden))
    last = Linear(hidden, 2 * latent)
  }

  /// Two networks beside one another; the bent one is nothing at first.
  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.zero.fill(last.weight, last.bias, &noise)
  }

  /// Places by the first principal components, of variance 1, as Lawrence 2005 begins.
  ///
  /// - Parameter y: [N, numbers].
  func begin(with y: Tensor) {
    withoutGradients {
      let centred = y - y.mean(dims: [0], keepDims: true)
      let parts = svd(centred)
      let count = min(straight.weight.size(0), parts.s.count)
      let deviations = parts.s[0..<count] / Double(max(1, y.size(0) - 1)).squareRoot()
      straight.weight.setSlice(from: 0, to: parts.vT[0..<count] / (deviations.unsqueezed(1) + 1e-6))
    }
  }

  /// Learns the mean; after some thousand pictures it hardly moves any more.
  func follow(_ y: Tensor) {
    withoutGradients {
      seen.add(Tensor.full([1], Double(y.size(0)), on: seen.device))
      mean.copy(from: mean + (y.mean(dims: [0]) - mean) * (Double(y.size(0)) / seen.item()))
    }
  }

  func callAsFunction(_ y: Tensor) -> Gaussian {
    let found = last(silu(second(silu(first(y - mean))))).chunks(2, dim: 1)
    return Gaussian(mean: straight(y - mean) + found[0], logVariance: clamp(found[1] - 4, min: -20, max: 4))
  }
}
