import Networks
import Torch
import Training

/// A variational autoencoder's two networks.
public final class VAEModel: EncodingModel {
  public let settings: VAESettings
  let coder: any LatentCoder
  private let device: Device

  public init(_ settings: VAESettings, on device: Device) throws(RecipeError) {
    try settings.check()
    (self.settings, self.device) = (settings, device)
    if settings.grid > 0 {
      coder = Coder(on: device) {
        GridEncoder(
          widths: settings.widths, stem: settings.stem, latentChannels: settings.latent, channels: settings.channels)
      } decoder: {
        GridDecoder(
          widths: settings.widths, latentChannels: settings.latent, grid: PictureSize(settings.grid),
          channels: settings.channels)
      }
    } else {
      coder = Coder(on: device) {
        VAEEncoder(
          latent: settings.latent, widths: settings.widths, stem: settings.stem, channels: settings.channels)
      } decoder: {
        VAEDecoder(
          latent: settings.latent, widths: settings.widths, blocks: settings.blocks, channels: settings.channels)
      }
    }
  }

  public var parts: [String: any Saved] { coder.parts }
  public var offers: Offers { Offers(latent: settings.latentCount) }

  /// In float32, whatever the precision of training.
  public func pictures(_ request: PictureRequest) -> Tensor {
    withoutGradients {
      inEqualBatches(of: 16, latents(of: request) * request.truncation) { rows in
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
