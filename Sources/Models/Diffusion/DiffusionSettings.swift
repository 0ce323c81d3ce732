import Torch
import Networks
import Training

/// Settings of `DiffusionRecipe`.
public struct DiffusionSettings: RecipeSettings {
  public var size: PictureSize = 32
  public var channels = 3
  public var batch = 16
  public var objective = "edm"
  public var widths = [64, 96, 128]
  public var blocks = 1
  public var attention = 4
  public var dropout = 0.05
  public var rate = 1e-3
  public var rateHold = 0.4
  public var warmUp = 200
  public var beta2 = 0.99
  public var averageMemory = 0.05
  public var augment = 0.0
  public var mirror = false
  public var conditional = true
  public var classes: [String] = []
  public var classCounts: [Int] = []
  public var steps = 20
  public var distil = 0.25
  public var coding = 0.0
  public var grid = 16
  public var latentChannels = 4
  public var coderWidths = [64, 96]
  public var discriminatorWidths = [128, 96, 64, 32]
  public var stem = 16
  public var precision = "auto"
  public init() {}
  public static let grids: DoubledGrid? = DoubledGrid(sides: 16...256)
  public static let formerNames = ["criticWidths": "discriminatorWidths", "numbers": "latentChannels"]
  public static let shaping: Set = [
    "attention", "blocks", "coderWidths", "coding", "discriminatorWidths", "grid", "latentChannels", "objective",
    "stem", "widths",
  ]
  public static let notes = [
    "batch": "Pictures per update: 1 or more.",
    "objective": "edm, or flow (rectified flow).",
    "widths": "Channels at half of the size, a quarter, …",
    "blocks": "Residual blocks a size: 1 or more.",
    "attention": "The largest features with self-attention, by their shorter side.",
    "dropout": "Dropout probability: 0 or more and below 1.",
    "rate": "Adam's learning rate.",
    "rateHold": "Fraction of the learning after which it falls along a cosine.",
    "warmUp": "Steps over which it rises.",
    "averageMemory": "Half-life of the moving average, as a fraction of the run so far.",
    "augment": "Probability of each non-leaking augmentation (conditioning): 0 to 1.",
    "mirror": "Also train on mirrored pictures.",
    "conditional": "Class-conditional: learn the folders as classes, when there are two or more.",
    "classes": "Names of the classes: the folders.",
    "classCounts": "Pictures in each class.",
    "steps": "Sampling steps of the solver: 2 to 1000.",
    "distil": "The last fraction of the run: distillation to 1 to 4 sampling steps.",
    "coding": "The first fraction of the run: training the autoencoder of latent diffusion; 0 for pixels; 0 to 0.8.",
    "grid": "Cells of the latent grid along the shorter side.",
    "latentChannels": "Channels of the latent grid: 1 or more.",
    "coderWidths": "The autoencoder's channels at half of the size, a quarter, … down to the grid.",
    "discriminatorWidths":
      "Its discriminator's channels at the least size (4 px of 64), twice that, … up to half of the size.",
    "stem": "Channels of the discriminator and the autoencoder at full resolution.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// Settings that suit the pictures and the processor.
  ///
  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    (size, channels) = (situation.size, situation.channels)
    let isLarge: Bool
    switch preset {
    case nil: isLarge = !situation.device.isCPU
    case "small": isLarge = false
    case "large": isLarge = true
    case "latent": (coding, isLarge) = (0.3, !situation.device.isCPU)
    case "flow": (objective, isLarge) = ("flow", !situation.device.isCPU)
    case let other?:
      throw .unknownPreset(other, recipe: DiffusionRecipe.name, known: DiffusionRecipe.presets.map(\.name))
    }
    let doublings = Self.grids?.grid(of: size)?.doublings ?? 2
    // A quarter of the size, but a grid of 8 to 32 cells.
    let coded = size.shorter < 32 ? 1 : size.shorter <= 128 ? 2 : 3
    grid = size.shorter >> coded
    coderWidths = VAESettings.gridWidths(halvings: coded, on: situation.device)
    discriminatorWidths = Array([128, 96, 64, 32, 24, 16].prefix(doublings))
    // Down to the least size. Pictures enter at half of their size.
    let sizes = doublings - (coding > 0 ? coded - 1 : 0)
    widths = (0..<sizes).map { level in
      let fromSmallest = sizes - 1 - level
      return fromSmallest < 3 ? 128 - 32 * fromSmallest : 32
    }
    // A grid's places are few enough that all of them may see one another.
    if coding > 0 { attention = 8 }
    if isLarge { (widths, batch, rate, blocks, attention) = (widths.map { 2 * $0 }, 128, 5e-4, 3, 8) }
    // Few pictures are soon known by heart.
    augment = situation.pictures < 2000 ? 0.12 : 0
    dropout = situation.pictures < 1000 ? 0.15 : 0.05
    if let found = situation.classes { (classes, classCounts) = (found.names, found.counts) }
    try check()
  }

  /// Channels and size of what noise is taken off.
  var drawn: (channels: Int, size: PictureSize) {
    coding > 0 ? (latentChannels, size >> coderWidths.count) : (channels, size)
  }
  /// The size of the smallest features.
  var least: PictureSize { Self.grids!.grid(of: size)!.least }
  /// Haar transforms of it before the network; a grid's numbers aren't smooth.
  var halvings: Int { coding > 0 ? 0 : 1 }

  var preconditioning: Preconditioning { Preconditioning(rawValue: objective)! }

  func check() throws(RecipeError) {
    let doublings = try Self.grids!.expect(size, recipe: DiffusionRecipe.name).doublings
    try expect(Preconditioning(rawValue: objective) != nil, "objective", "'\(objective)'", "use edm or flow")
    // Halved while both sides are even, down to 2.
    let inside = drawn.size >> halvings
    let most = (0..<16).prefix { (inside >> $0) << $0 == inside && (inside >> $0).shorter > 1 }.count
    try expect(
      !widths.isEmpty && widths.allSatisfy { $0 > 0 && $0 % 8 == 0 } && widths.count <= most, "widths", widths,
      "give multiples of 8, here at most \(most) of them")
    try expect((0...0.8).contains(coding), "coding", coding, "it must be in 0...0.8")
    if coding > 0 {
      try expect(coding + distil < 0.95, "distil", distil, "with coding it must be below 0.95")
      try expect(
        coderWidths.allSatisfy { $0 > 0 } && drawn.size << coderWidths.count == size && drawn.size.shorter == grid,
        "coder-widths", coderWidths,
        "from \(size) px down to \(grid) it must be \(Int(Double(max(1, size.shorter / max(1, grid))).exponent)) numbers above 0"
      )
      try expect(
        discriminatorWidths.allSatisfy { $0 > 0 } && discriminatorWidths.count == doublings, "discriminator-widths",
        discriminatorWidths, "for \(size) px it must be \(doublings) numbers above 0")
      try expect(latentChannels > 0 && stem > 0, "latent-channels", latentChannels, "it must be 1 or more")
    }
    try expect(blocks > 0, "blocks", blocks, "it must be 1 or more")
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
    try expect((0..<1).contains(dropout), "dropout", dropout, "it must be 0 or more and below 1")
    try expect((0...1).contains(augment), "augment", augment, "it must be in 0...1")
    try expect((0...0.9).contains(distil), "distil", distil, "it must be in 0...0.9")
    try expect(classes.count == classCounts.count, "classes", classes, "give as many class-counts")
    try expect((2...1000).contains(steps), "steps", steps, "it must be in 2...1000")
    try expect(
      ["auto", "bfloat16", "float32"].contains(precision), "precision", precision, "use auto, bfloat16 or float32")
  }

  /// The learning rate for a part of the run that is done by `fraction`, in `steps` so far.
  func rate(at fraction: Double, steps: Int) -> Double {
    let rise = warmUp > 0 ? min(1, Double(steps + 1) / Double(warmUp)) : 1
    return rate * rise * Schedule.cosine(from: 1, to: 0.02, during: rateHold...1)(fraction)
  }
}
