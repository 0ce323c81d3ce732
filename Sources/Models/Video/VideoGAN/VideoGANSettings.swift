import Foundation
import Torch
import Training

/// Settings of `VideoGANRecipe`.
public struct VideoGANSettings: RecipeSettings {
  public var size = 64
  public var channels = 3
  public var batch = 8  // Clips per update.
  public var frames = 3  // Frames of a clip that the discriminator sees.
  public var span = 24  // The most frames from a clip's first to its last.
  public var latent = 128  // Size of the content's latent vector.
  public var motion = 32  // Size of the motion's latent vector.
  public var quickest = 0.15  // Correlation time of the quickest motion latent, in seconds.
  public var slowest = 4.0  // Correlation time of the slowest one.
  public var wSize = 256  // Size of w, the style vector of content and motion.
  public var widths = [192, 128, 64, 32]  // The generator's channels at 4, 8, 16, … px, up to half of the size.
  public var blocks = [1, 1, 1, 2]  // Its residual blocks there.
  public var discriminatorWidths = [192, 128, 64, 32]  // The discriminator's channels.
  public var discriminatorBlocks = [1, 1, 1, 1]
  public var discriminatorStem = 16  // Its channels at full resolution.
  public var grow = [0.12, 0.3]  // Fractions of the run at which the size doubles, from the smallest on.
  public var rate = 5e-4  // Adam's learning rate, for the discriminator.
  public var pace = 2.0  // The generator's learning rate, divided by the discriminator's.
  public var rateHold = 0.5  // Fraction of the run after which the rate falls, along a cosine, to a twentieth.
  public var gamma = [2.0, 4, 8]  // Weight of the gradient penalties (R1, R2) at 16, 32, … px, at the start.
  public var gammaEnd = 0.5  // Fraction of gamma that is left at the end.
  public var penaltyEvery = 8  // Steps between gradient penalties (lazy regularisation).
  public var penalised = 4  // Real and generated clips in each gradient penalty.
  public var averageMemory = 0.04  // Half-life of the moving average, as a fraction of the run so far.
  public var augment = 0.2  // Probability of a shift, the same for all frames of a clip.
  public var mirror = false  // Also train on mirrored clips.
  public var precision = "auto"  // auto, bfloat16 or float32.
  public init() {}
  public static let formerNames = [
    "criticWidths": "discriminatorWidths", "criticBlocks": "discriminatorBlocks", "criticStem": "discriminatorStem",
    "mapped": "wSize",
  ]
  public static let shaping: Set = [
    "blocks", "discriminatorBlocks", "discriminatorStem", "discriminatorWidths", "latent", "motion", "wSize", "widths",
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
