import Torch

/// What is to be drawn.
public struct DrawingRequest {
  public var prompt: String
  public var negative = ""
  /// Another prompt that it is on the way to, and how far, in 0...1: features of words are mixed, so that words travel.
  public var towards: (prompt: String, part: Double)?
  /// Whether brackets and `BREAK` in prompts mean something.
  public var isWeighted = true
  /// Denoising steps.
  public var steps = 20
  /// nil: what the model's files say, else DPM-Solver++.
  public var sampler: Sampler?
  /// nil: what the model's files say.
  public var spacing: Spacing?
  /// Classifier-free guidance (Ho and Salimans 2022); 1 or less is none.
  public var guidance = 7.5
  /// How much of the guided answer's deviation is brought back to the unguided one's (Lin et al. 2024, equation 16); 0 is none.
  public var guidanceRescale = 0.0
  /// Height and width in pixels, multiples of 8; nil is what the model was trained on, or the picture's.
  public var size: (height: Int, width: Int)?
  /// Layers of the text encoder left out, beyond those that the model leaves out itself.
  public var clipSkip = 0
  /// The noise that a drawing begins with where there is no picture, [1, latents, H / 8, W / 8]; nil is the seed's own.
  public var noise: Tensor?
  /// A picture [1, 3, H, W] in -1...1 to begin with.
  public var picture: Tensor?
  /// Where it is drawn anew: [1, 1, H, W], 1 inside; 0 stays to the bit.
  public var mask: Tensor?
  /// How far the picture is taken back towards noise, in 0...1; 1 forgets it. nil is 0.75, and 1 for filling.
  public var strength: Double?
  /// What ControlNets are shown.
  public var controls: [ControlPicture] = []
  /// The side of the squares, in pixels, in which the denoiser sees a picture that is larger: a multiple of 8; nil sees all at once. Squares
  /// share a quarter, and at every step their answers fade into each other, so that no seam is left (Bar-Tal et al. 2023, MultiDiffusion).
  public var tile: Int?
  /// SDXL: what the picture is said to be cut from: original height and width, top and left.
  public var crop: (height: Int, width: Int, top: Int, left: Int)?

  public init(prompt: String) { self.prompt = prompt }
}

/// A picture that steers by a ControlNet.
public struct ControlPicture {
  /// Which of the pipeline's ControlNets.
  public var network: Int
  /// [1, 3, H, W] in 0...1, of the size that is drawn.
  public var picture: Tensor
  /// 1 is as it was trained.
  public var strength: Double
  /// From and to which part of the steps that are taken it steers, in 0...1: those whose middle is in it.
  public var span: ClosedRange<Double>

  public init(network: Int = 0, picture: Tensor, strength: Double = 1, span: ClosedRange<Double> = 0...1) {
    (self.network, self.picture, self.strength, self.span) = (network, picture, strength, span)
  }
}

/// How much memory may be used.
public enum MemoryUse: Sendable {
  /// The denoiser stays; on a processor text encoders and autoencoder are let go once a picture has been through them.
  case kept
  /// Text encoder, denoiser and autoencoder are read, used and let go in turn; guidance takes two passes a step, and the autoencoder works
  /// in tiles.
  case inTurn
}
