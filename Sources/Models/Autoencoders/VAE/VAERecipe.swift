import Networks
import Torch
import Training

/// A variational autoencoder (Kingma and Welling 2014): learns to say of each picture what made it, as latents that are
/// normal in all, and to make pictures of these. With a discriminator on whole pictures and what a trained network sees it is a
/// VAE-GAN (Larsen et al. 2016; weights as Esser et al. 2021 balance them), against blur.
public final class VAERecipe: EncodingRecipe, Taught {
  public static let name = "vae"
  public static let summary = "Latents one can go back to from a picture, for `reconstruct` and `attribute`; soft."
  public static let presets = [
    (name: "sharp", summary: "pictures come back sharp, new ones have no shape: a grid, and a discriminator")
  ]

  public let settings: VAESettings
  private let coder: any Autoencoding
  private let device: Device

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VAESettings {
    try VAESettings(for: situation, preset: preset)
  }

  public init(_ settings: VAESettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    let usesBFloat16 = try usesMixedPrecision(settings.precision, on: device)
    let critic =
      settings.adversarial > 0
      ? PictureCritic(
        widths: settings.criticWidths, channels: settings.channels, rate: settings.rate * 0.5,
        noise: &noise, on: device)
      : nil
    if settings.grid > 0 {
      coder = Autoencoder(
        settings.learning, critic: critic, usesBFloat16: usesBFloat16, noise: &noise, on: device
      ) {
        GridEncoder(
          widths: settings.widths, stem: settings.stem, numbers: settings.latent, channels: settings.channels)
      } decoder: {
        GridDecoder(
          widths: settings.widths, numbers: settings.latent, grid: settings.grid, channels: settings.channels)
      }
    } else {
      coder = Autoencoder(
        settings.learning, critic: critic, usesBFloat16: usesBFloat16, noise: &noise, on: device
      ) {
        VAEEncoder(
          latent: settings.latent, widths: settings.widths, stem: settings.stem, channels: settings.channels)
      } decoder: {
        VAEDecoder(
          latent: settings.latent, widths: settings.widths, blocks: settings.blocks, channels: settings.channels)
      }
    }
  }

  public var isTaught: Bool { settings.perceptual > 0 }
  public func learn(from network: VGG) { coder.eyes = Eyes(network: network) }

  public var saved: [String: any Saved] { coder.saved }
  public var published: [String: any Saved] { coder.published }
  public var mirrors: Bool { settings.mirror }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    coder.learn(batch.pictures, noise: &noise, at: progress)
  }

  public func latents(seeds: [UInt64]) -> Tensor { gaussianLatents(seeds: seeds, size: settings.numbers) }

  /// In float32, whatever the precision of training.
  public func decode(_ latents: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents) { rows in
        clamp(coder.pictures(of: rows.to(device)).to(.cpu), min: -1, max: 1).contiguous()
      }
    }
  }

  public func encode(_ pictures: Tensor) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, pictures) { x in
        coder.means(of: x.to(device)).to(.cpu).contiguous()
      }
    }
  }
}
