import Networks
import Torch
import Training

/// Settings of `VAERecipe`.
public struct VAESettings: RecipeSettings {
  public var size: PictureSize = 64
  public var channels = 3
  public var batch = 32
  public var latent = 64
  public var grid = 0
  public var widths = [128, 96, 64, 32]
  public var blocks = 2
  public var stem = 16
  public var rate = 1e-3
  public var beta = 1.0
  public var warmUp = 0.1
  public var freeBits = 0.0
  public var perceptual = 0.0
  public var adversarial = 0.0
  public var adversarialFrom = 0.3
  public var discriminatorWidths = [128, 96, 64, 32]
  public var averageMemory = 0.05
  public var mirror = false
  public var precision = "auto"
  public init() {}
  public static let formerNames = ["criticWidths": "discriminatorWidths"]
  public static let shaping: Set = ["blocks", "discriminatorWidths", "grid", "latent", "stem", "widths"]
  public static let notes = [
    "batch": "Pictures per update: 1 or more.",
    "latent": "Size of the latent vector, or of each cell of a latent grid: 1 or more.",
    "grid": "Cells a side of a latent grid; 0 for one latent vector per picture; 0, or at most half of the size.",
    "widths": "Channels at 4, 8, 16, … px, up to half of the size; with a grid from half of the size down to it.",
    "blocks": "Residual blocks of the decoder at the last of widths: 1 or more.",
    "stem": "The encoder's channels at full resolution.",
    "rate": "Adam's learning rate; falls along a cosine to a fiftieth.",
    "beta": "Weight of the KL divergence (β): more for better samples, less for better reconstructions; 0 or more.",
    "warmUp": "Fraction of the run over which beta rises: 0 to 1.",
    "freeBits": "Free bits: nats of KL divergence per latent dimension without cost; 0 or more.",
    "perceptual": "Weight of the perceptual loss: 0 or more.",
    "adversarial": "Weight of the adversarial loss: 0 or more.",
    "adversarialFrom": "Fraction of the run after which the adversarial loss starts: 0 to 1.",
    "discriminatorWidths": "The discriminator's channels, listed like widths: as many as widths.",
    "averageMemory": "Half-life of the moving average, as a fraction of the run so far.",
    "mirror": "Also train on mirrored pictures.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// Settings that suit the pictures.
  ///
  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    (size, channels) = (situation.size, situation.channels)
    switch preset {
    case nil: break
    case "sharp":
      (grid, latent, adversarial) = (max(4, min(side / 4, 32)), 4, 0.5)
      // Without a GPU, the perceptual loss takes two thirds of the time.
      if !situation.device.isCPU && situation.channels == 3 { perceptual = 0.3 }
    case let other?: throw .unknownPreset(other, recipe: VAERecipe.name, known: VAERecipe.presets.map(\.name))
    }
    let stages = max(1, Double(max(side, 16) / 8).exponent + 1)
    widths = Array([128, 96, 64, 32, 24, 16].prefix(Int(stages)))
    if !situation.device.isCPU { widths = widths.map { 2 * $0 } }
    discriminatorWidths = widths
    if grid > 0 {
      widths = Self.gridWidths(halvings: Int(Double(max(side, 8) / grid).exponent), on: situation.device)
    }
    try check()
  }

  /// Channels at half of the size, a quarter, … down to a grid.
  static func gridWidths(halvings: Int, on device: Device) -> [Int] {
    let halvings = max(1, halvings)
    let widths = halvings == 2 ? [64, 96] : Array([96, 64, 48, 32, 32].prefix(halvings).reversed())
    return device.isCPU ? widths : widths.map { 2 * $0 }
  }

  /// All latents of a picture.
  var latentCount: Int { grid > 0 ? grid * grid * latent : latent }

  /// How the networks learn.
  var learning: AutoencoderSettings {
    AutoencoderSettings(
      rate: rate, beta: beta, warmUp: warmUp, freeBits: freeBits, perceptual: perceptual,
      adversarial: adversarial, adversarialFrom: adversarialFrom, judgesFree: grid == 0,
      averageMemory: averageMemory)
  }

  func check() throws(RecipeError) {
    guard [16, 32, 64, 128, 256].contains(side) else {
      throw .impossibleSize(size, recipe: VAERecipe.name, reason: "use 16, 32, 64, 128 or 256")
    }
    try expect(grid >= 0 && grid <= side / 2, "grid", grid, "it must be 0, or at most half of the size")
    let smallest = grid > 0 ? grid : 4
    try expect(
      widths.allSatisfy { $0 > 0 } && smallest << widths.count == side, "widths", widths,
      "from \(size) px down to \(smallest) it must be \(Int(Double(side / smallest).exponent)) numbers above 0")
    try expect(
      adversarial == 0 || 4 << discriminatorWidths.count == side, "discriminator-widths", discriminatorWidths,
      "give as many as widths")
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
    try expect(latent > 0, "latent", latent, "it must be 1 or more")
    try expect(blocks > 0 && stem > 0, "blocks", blocks, "it must be 1 or more")
    try expect(beta >= 0, "beta", beta, "it must be 0 or more")
    try expect((0...1).contains(warmUp), "warm-up", warmUp, "it must be in 0...1")
    try expect(freeBits >= 0, "free-bits", freeBits, "it must be 0 or more")
    try expect(adversarial >= 0, "adversarial", adversarial, "it must be 0 or more")
    try expect(perceptual >= 0, "perceptual", perceptual, "it must be 0 or more")
    try expect(perceptual == 0 || channels == 3, "perceptual", perceptual, "the trained network sees colours: use 0")
    try expect((0...1).contains(adversarialFrom), "adversarial-from", adversarialFrom, "it must be in 0...1")
  }
}
