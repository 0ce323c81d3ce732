import Foundation
import Networks
import Torch
import Training

/// Settings of `R3GANRecipe`.
public struct R3GANSettings: TraitSettings {
  public var size: PictureSize = 64
  public var channels = 3
  public var batch = 8
  public var latent = 128
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
  public var warmUp = 100
  public var beta2 = 0.99
  public var gamma = [2.0, 4, 8]
  public var gammaEnd = 0.5
  public var penaltyEvery = 8
  public var penalised = 8
  public var penaltyStep = 0.0
  public var averageMemory = 0.04
  public var augment = 0.0
  public var changes = "shift"
  public var adapt = 0.0
  public var mirror = false
  public var seamless = false
  public var conditional = true
  public var traits = 0
  public var pictures = 0
  public var classes: [String] = []
  public var classCounts: [Int] = []
  public var precision = "auto"
  public init() {}
  public static let grids: DoubledGrid? = DoubledGrid(least: 4...15, sides: 16...512, doublings: 2)
  public static let formerNames = [
    "criticWidths": "discriminatorWidths", "criticBlocks": "discriminatorBlocks", "criticStem": "discriminatorStem",
    "mapped": "wSize",
  ]
  public static let shaping: Set = [
    "blocks", "discriminatorBlocks", "discriminatorStem", "discriminatorWidths", "latent", "traits", "wSize", "widths",
  ]
  public static let notes = [
    "batch": "Pictures per update; small batches learn more in the same time; 1 or more.",
    "latent": "Size of the latent vector: 1 or more.",
    "wSize": "Size of w, the style vector.",
    "widths": "The generator's channels at the least size (4 px of 64), twice that, … up to half of the size.",
    "blocks": "The generator's residual blocks at each of these sizes.",
    "discriminatorWidths": "The discriminator's channels.",
    "discriminatorBlocks": "The discriminator's residual blocks at each of these sizes.",
    "discriminatorStem": "The discriminator's channels at full resolution: 1 or more.",
    "grow": "Fractions of the run at which the size doubles, from the smallest on.",
    "rate": "Adam's learning rate, for the discriminator.",
    "pace": "The generator's learning rate, divided by the discriminator's.",
    "rateHold": "Fraction of the run after which the rate falls, along a cosine, to a twentieth.",
    "warmUp": "Steps over which the rate rises.",
    "gamma": "Weight of the gradient penalties (R1, R2) at 16, 32, … px, at the start: one number or more.",
    "gammaEnd": "Fraction of gamma that is left at the end.",
    "penaltyEvery": "Steps between gradient penalties (lazy regularisation): 1 or more.",
    "penalised": "Real and generated pictures in each gradient penalty.",
    "penaltyStep": "Step of a finite-difference penalty; 0 for the exact gradient.",
    "averageMemory": "Half-life of the moving average, as a fraction of the run so far.",
    "augment": "Probability of each augmentation; with adapt, the starting value; 0 to 1.",
    "changes": "shift, light, blit (flips, turns too), geometry (scales, rotations) or all (colours).",
    "adapt": "Adaptive augmentation (ADA): target of the overfitting measure r; 0 for off; 0 or more and below 1.",
    "mirror": "Also train on mirrored pictures.",
    "seamless": "Tileable pictures: opposite edges match.",
    "conditional": "Class-conditional: learn the folders as classes, when there are two or more.",
    "traits": "Numbers of what a pretrained network sees that tell both networks what a picture is like; 0 for none.",
    "pictures": "Pictures whose traits are kept: those of the set.",
    "classes": "Names of the classes: the folders.",
    "classCounts": "Pictures in each class.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// Settings that suit the pictures, the processor and the time.
  ///
  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    (size, channels) = (situation.size, situation.channels)
    let isLarge: Bool
    switch preset {
    case nil: isLarge = !situation.device.isCPU
    case "small": isLarge = false
    case "large": isLarge = true
    case let other?:
      throw .unknownPreset(other, recipe: R3GANRecipe.name, known: R3GANRecipe.presets.map(\.name))
    }
    let (least, stages) = Self.grids?.grid(of: size) ?? (4, 4)
    // Features that begin larger are no fewer at any size.
    let small = [192, 128, 64, 32, 24, 16, 16].dropFirst(least.shorter > 7 ? 1 : 0)
    widths = small.prefix(stages).map { isLarge ? 2 * $0 : $0 }
    discriminatorWidths = widths
    discriminatorBlocks = [Int](repeating: isLarge ? 2 : 1, count: stages)
    // What is largest is made by the last stage alone.
    blocks = discriminatorBlocks.dropLast() + [2]
    if isLarge { (batch, penaltyEvery, penalised, discriminatorStem) = (64, 4, 32, 32) }
    // The smaller sizes get three tenths of the run, or more of a short one: shapes need some 10,000 pictures first.
    let pictures = R3GANRecipe.expectedPictures(at: size, in: situation)
    let smaller = min(0.65, 0.3 * max(1, 150_000 / max(pictures, 1)).squareRoot())
    grow = stages == 2 ? [] : (1...stages - 2).map { smaller * pow(0.4, Double(stages - 2 - $0)) }
    // What has been learned needn't be learned again from the smallest size on.
    if let learned = situation.learnedSize { grow = grow.suffix(max(0, Int(log2(size.meanSide / learned.meanSide)))) }
    // Few pictures are soon known by heart.
    augment = situation.pictures < 500 ? 0.5 : situation.pictures < 2000 ? 0.2 : 0
    if let found = situation.classes { (classes, classCounts) = (found.names, found.counts) }
    chooseTraits(for: situation)
    // Of few pictures, small batches soon leave a handful of kinds.
    if !isLarge && situation.pictures < 1000 { (batch, penaltyEvery) = (16, 4) }
    try check()
  }

  /// What a picture costs in training, through both networks and over all sizes of a run, as `Situation.gigaflops`
  /// counts; measured with the small preset at 32 and 64 px on two cores, beyond that extended. Most of it at small sizes
  /// is weights, not pixels.
  public static func gigaflopsAPicture(of size: PictureSize) -> Double { 1.4 + 0.85 * Double(size.pixels) / 4096 }

  /// The size of the first features, which doubles until it is the pictures': 4 for powers of 2, 9 for 72 px, 6x4 for 192x128.
  var least: PictureSize { Self.grids!.grid(of: size)!.least }

  func check() throws(RecipeError) {
    let stages = try Self.grids!.expect(size, recipe: R3GANRecipe.name).doublings
    for (name, list) in [
      ("widths", widths), ("blocks", blocks), ("discriminator-widths", discriminatorWidths),
      ("discriminator-blocks", discriminatorBlocks),
    ] {
      try expect(
        list.count == stages && list.allSatisfy { $0 > 0 }, name, list,
        "for \(size) px it must be \(stages) numbers above 0")
    }
    try expect(
      grow == grow.sorted() && grow.count < stages, "grow", grow, "give at most \(stages - 2) rising fractions")
    try expect(!gamma.isEmpty, "gamma", gamma, "give one number or more")
    try expect(discriminatorStem > 0, "discriminator-stem", discriminatorStem, "it must be 1 or more")
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
    try expect(latent > 0 && wSize > 0, "latent", latent, "it must be 1 or more")
    try expect(penaltyEvery > 0 && penalised > 0, "penalty-every", penaltyEvery, "it must be 1 or more")
    try expect(
      ["shift", "light", "blit", "geometry", "all"].contains(changes), "changes", "'\(changes)'",
      "use shift, light, blit, geometry or all")
    try checkTraits()
    try expect(classes.count == classCounts.count, "classes", classes, "give as many class-counts")
    try expect((0...1).contains(augment), "augment", augment, "it must be in 0...1")
    try expect((0..<1).contains(adapt), "adapt", adapt, "it must be 0 or more and below 1")
    try expect(
      ["auto", "bfloat16", "float32"].contains(precision), "precision", precision, "use auto, bfloat16 or float32")
  }

  /// The augmentation pipeline of `changes`; nil for a shift alone, or light ones.
  var pipe: AugmentPipe? {
    ["shift", "light"].contains(changes) ? nil : AugmentPipe(geometry: changes != "blit", colours: changes == "all")
  }

  /// What holds during one step.
  struct Moment {
    let size: PictureSize
    let rate: Double
    let gamma: Double
    let penaltyInterval: Int
    let averageMemory: Double

    /// The average's decay for a step of `batch` pictures.
    func averageDecay(batch: Int, of progress: Training.Progress) -> Double {
      decay(memory: averageMemory, batch: batch, of: progress.totalPictures, after: progress.fraction)
    }
  }

  func schedule(at progress: Training.Progress) -> Moment {
    let f = progress.fraction
    let doublings = grow.count { f < $0 }
    let size = size >> doublings
    let steps = Double(progress.picturesSeen / batch + 1)
    let rise = warmUp > 0 ? min(1, steps / Double(warmUp)) : 1
    let fall = Schedule.cosine(from: 1, to: 0.05, during: rateHold...1)(f)
    let level = min(max(0, Int(log2(size.meanSide)) - 4), gamma.count - 1)
    return Moment(
      size: size, rate: rate * rise * fall * progress.rateScale, gamma: gamma[level] * pow(gammaEnd, f),
      penaltyInterval: penaltyEvery, averageMemory: averageMemory)
  }
}
