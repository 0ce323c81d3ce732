import Networks
import Torch
import Training

/// Pictures as a mean and some directions from it ("eigenpictures", Sirovich and Kirby 1987), learned by a linear
/// autoencoder (Baldi and Hornik 1989): the smallest family with all that one has.
final class EigenModel: EncodingModel {
  let settings: EigenRecipe.Settings
  let network: LazyModule<EigenNetwork>
  private let device: Device

  init(_ settings: EigenRecipe.Settings, on device: Device) throws(RecipeError) {
    guard settings.latent > 0 else {
      throw .badSetting("latent", value: "\(settings.latent)", reason: "it must be 1 or more")
    }
    (self.settings, self.device) = (settings, device)
    network = LazyModule(EigenNetwork(settings), on: device, usesChannelsLast: false)
  }

  var parts: [String: any Saved] { ["network": network] }
  var offers: Offers { Offers(latent: settings.latent) }

  func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents(of: request) * request.truncation) { z in
        clamp(network.module.pictures(of: z.to(device)).to(.cpu), min: -1, max: 1)
      }.reshaped([-1, settings.channels, settings.side, settings.side])
    }
  }

  func encode(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, pictures.contiguous().flattened(from: 1)) {
        network.module.latents(of: $0.to(device)).to(.cpu)
      }
    }
  }
}

/// x ≈ mean + W (σ z), z = E (x − mean) / σ: σ makes latents standard normal in all.
final class EigenNetwork: Module {
  let mean: Tensor, deviation: Tensor
  let encoder: Linear, decoder: Linear

  init(_ settings: EigenRecipe.Settings) {
    let numbers = settings.channels * settings.side * settings.side
    (mean, deviation) = (Tensor.zeros([numbers]), Tensor.ones([settings.latent]))
    encoder = Linear(numbers, settings.latent, bias: false)
    decoder = Linear(settings.latent, numbers, bias: false)
  }

  func latents(of x: Tensor) -> Tensor { encoder(x - mean) / deviation }
  func pictures(of z: Tensor) -> Tensor { decoder(z * deviation) + mean }
}

final class EigenRecipe: Recipe {
  struct Settings: RecipeSettings {
    var size: PictureSize = 32
    var channels = 3
    var batch = 32
    var latent = 32
    var rate = 1e-3
    static let shaping: Set = ["latent"]
    static let notes = ["latent": "Directions from the mean picture: 1 or more.", "rate": "Adam's learning rate."]
  }

  static let name = "eigen"
  static let summary = "A mean picture and directions from it (principal components): soft pictures in a minute."
  static let use = Use.pictures
  static func length(for situation: Situation) -> Length { .minutes(1) }
  static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> Settings {
    if let preset { throw .unknownPreset(preset, recipe: name, known: []) }
    var settings = Settings()
    (settings.size, settings.channels) = (situation.size, situation.channels)
    return settings
  }

  let model: EigenModel
  private let network: EigenNetwork
  private let optimizer: Adam

  init(_ settings: Settings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try EigenModel(settings, on: device)
    network = model.network.module
    network.initialize(&noise)
    network.move(to: device)
    optimizer = Adam(network.parameters, rate: settings.rate)
  }

  var saved: [String: any Saved] { ["network": network, "optimizer": optimizer] }

  func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    optimizer.rate = settings.rate * progress.rateScale
    let x = batch.pictures.contiguous().flattened(from: 1)
    let weight = max(0.01, 1 / Double(progress.picturesSeen / settings.batch + 1))
    withoutGradients { network.mean.lerp(toward: x.mean(dims: [0]), weight: weight) }
    let codes = network.encoder(x - network.mean)
    let error = meanSquaredError(network.decoder(codes) + network.mean, x)
    optimizer.step(minimizing: error)
    withoutGradients {
      let spread = sqrt(square(codes.detached()).mean(dims: [0]) + 1e-8)
      network.deviation.lerp(toward: spread, weight: weight)
    }
    return [Reading("error", error)]
  }
}
