import Networks
import Torch
import Training

/// A variational autoencoder (Kingma and Welling 2014): learns to say of each picture what made it, as latents that are
/// normal in all, and to make pictures of these. With a discriminator on whole pictures and what a trained network sees it is a
/// VAE-GAN (Larsen et al. 2016; weights as Esser et al. 2021 balance them), against blur.
public final class VAERecipe: Recipe {
  public static let name = "vae"
  public static let summary = "A variational autoencoder, for `reconstruct` and `attribute`; soft pictures."
  public static let presets = [
    (name: "sharp", summary: "a VAE-GAN with a latent grid: sharp reconstructions, but no useful samples")
  ]

  public static let use = Use(
    .generate, "makes pictures, and says what given ones are made from (`reconstruct`, `attribute`)",
    command: "generate NAME", out: "pictures")
  private static let vgg = Pretrained("vgg16")
  public static func needs(_ settings: VAESettings) -> [Pretrained] { settings.perceptual > 0 ? [vgg] : [] }

  public let model: VAEModel
  private let trainer: any AutoencoderTraining
  private let device: Device

  public static func settings(for situation: Situation, preset: String?) throws(RecipeError) -> VAESettings {
    try VAESettings(for: situation, preset: preset)
  }

  public init(_ settings: VAESettings, noise: inout Noise, on device: Device) throws(RecipeError) {
    model = try VAEModel(settings, on: device)
    self.device = device
    let mixed = try Precision(settings.precision, on: device)
    let discriminator =
      settings.adversarial > 0
      ? PictureDiscriminator(
        widths: settings.discriminatorWidths, channels: settings.channels, rate: settings.rate * 0.5,
        noise: &noise, on: device)
      : nil
    trainer = model.coder.trainer(
      settings.learning, discriminator: discriminator, mixed: mixed, noise: &noise, on: device)
  }

  public func take(_ pretrained: Pretrained, weights: [String: Tensor]) throws(StateError) {
    trainer.perceptualLoss = PerceptualLoss(network: try VGG(features: weights, on: device))
  }

  public var saved: [String: any Saved] { trainer.saved }
  public var mirrors: Bool { settings.mirror }

  public func step(_ batch: Batch, noise: inout Noise, at progress: Progress) -> [Reading] {
    trainer.learn(batch.pictures, noise: &noise, at: progress)
  }
}
