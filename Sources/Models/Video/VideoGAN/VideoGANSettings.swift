import Foundation
import Torch
import Training

/// Settings of `VideoGANRecipe`.
public struct VideoGANSettings: RecipeSettings {
  public var size: PictureSize = 64
  public var channels = 3
  public var batch = 8
  public var frames = 3
  public var span = 24
  public var latent = 128
  public var motion = 32
  public var quickest = 0.15
  public var slowest = 4.0
  public var wSize = 256
  public var widths = [192, 128, 64, 32]
  public var blocks = [1, 1, 1, 2]
  public var discriminatorWidths = [192, 128, 64, 32]
  public var discriminatorBlocks = [1, 1, 1, 1]
  public var discriminatorStem = 16
  public var grow = [0.12, 0.3]
  public var rate = 5e-4
  public var pace = 2.0
  public var rateHold = 0.5
  public var gamma = [2.0, 4, 8]
  public var gammaEnd = 0.5
  public var penaltyEvery = 8
  public var penalised = 4
  public var averageMemory = 0.04
  public var augment = 0.2
  public var mirror = false
  public var precision = "auto"
  public init() {}
  public static let formerNames = [
    "criticWidths": "discriminatorWidths", "criticBlocks": "discriminatorBlocks", "criticStem": "discriminatorStem",
    "mapped": "wSize",
  ]
  public static let shaping: Set = [
    "blocks", "discriminatorBlocks", "discriminatorStem", "discriminatorWidths", "latent", "motion", "wSize", "widths",
  ]
  public static let notes = [
    "batch": "Clips per update.",
    "frames": "Frames of a clip that the discriminator sees.",
    "span": "The most frames from a clip's first to its last.",
    "latent": "Size of the content's latent vector.",
    "motion": "Size of the motion's latent vector: 1 or more.",
    "quickest": "Correlation time of the quickest motion latent, in seconds: above 0 and at most 'slowest'.",
    "slowest": "Correlation time of the slowest one.",
    "wSize": "Size of w, the style vector of content and motion.",
    "widths": "The generator's channels at 4, 8, 16, … px, up to half of the size.",
    "blocks": "The generator's residual blocks at each of these sizes.",
    "discriminatorWidths": "The discriminator's channels.",
    "discriminatorBlocks": "The discriminator's residual blocks at each of these sizes.",
    "discriminatorStem": "The discriminator's channels at full resolution.",
    "grow": "Fractions of the run at which the size doubles, from the smallest on.",
    "rate": "Adam's learning rate, for the discriminator.",
    "pace": "The generator's learning rate, divided by the discriminator's.",
    "rateHold": "Fraction of the run after which the rate falls, along a cosine, to a twentieth.",
    "gamma": "Weight of the gradient penalties (R1, R2) at 16, 32, … px, at the start.",
    "gammaEnd": "Fraction of gamma that is left at the end.",
    "penaltyEvery": "Steps between gradient penalties (lazy regularisation).",
    "penalised": "Real and generated clips in each gradient penalty.",
    "averageMemory": "Half-life of the moving average, as a fraction of the run so far.",
    "augment": "Probability of a shift, the same for all frames of a clip: 0 to 1.",
    "mirror": "Also train on mirrored clips.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  init(for situation: Situation, preset: String?) throws(RecipeError) {
    if let preset { throw .unknownPreset(preset, recipe: VideoGANRecipe.name, known: []) }
    let picture = try R3GANSettings(for: situation, preset: nil)
    (size, channels, widths, blocks) = (picture.size, picture.channels, picture.widths, picture.blocks)
    (discriminatorWidths, discriminatorBlocks, discriminatorStem) = (
      picture.discriminatorWidths, picture.discriminatorBlocks, picture.discriminatorStem
    )
    grow = picture.grow
    try check()
  }

  /// The settings shared with `r3gan`.
  var picture: R3GANSettings {
    var picture = R3GANSettings()
    (picture.size, picture.channels, picture.batch) = (size, channels, batch)
    (picture.latent, picture.wSize, picture.widths, picture.blocks) = (latent, wSize, widths, blocks)
    (picture.discriminatorWidths, picture.discriminatorBlocks, picture.discriminatorStem) = (
      discriminatorWidths, discriminatorBlocks, discriminatorStem
    )
    (picture.grow, picture.rate, picture.pace, picture.rateHold) = (grow, rate, pace, rateHold)
    (picture.gamma, picture.gammaEnd, picture.penaltyEvery) = (gamma, gammaEnd, penaltyEvery)
    (picture.penalised, picture.averageMemory, picture.precision) = (penalised, averageMemory, precision)
    return picture
  }

  func check() throws(RecipeError) {
    try picture.check()
    try expect(frames > 1, "frames", frames, "a clip has 2 or more")
    try expect(span >= frames - 1, "span", span, "\(frames) frames take \(frames - 1) steps at least")
    try expect(motion > 0, "motion", motion, "it must be 1 or more")
    try expect(
      quickest > 0 && slowest >= quickest && slowest.isFinite, "quickest", quickest,
      "it must be above 0 and at most 'slowest'")
    try expect((0...1).contains(augment), "augment", augment, "use 0 to 1")
  }
}
