import Torch
import Training

/// Settings of `StyleGAN2Recipe`.
public struct StyleGAN2Settings: TraitSettings {
  public var size: PictureSize = 64
  public var channels = 3
  public var batch = 16
  public var latent = 128
  public var wSize = 128
  public var depth = 2
  public var widths = [128, 128, 64, 32, 16]
  public var discriminatorWidths = [128, 128, 64, 32, 16]
  public var rate = 2e-3
  public var gamma = 1.0
  public var penaltyEvery = 16
  public var pathWeight = 2.0
  public var pathEvery = 8
  public var mixing = 0.9
  public var averageHalfLife = 10_000.0
  public var augment = 0.0
  public var changes = "blit"
  public var adapt = 0.6
  public var seamless = false
  public var mirror = false
  public var conditional = true
  public var traits = 0
  public var pictures = 0
  public var classes: [String] = []
  public var classCounts: [Int] = []
  public var precision = "auto"
  public init() {}
  public static let grids: DoubledGrid? = DoubledGrid(sides: 8...1024)
  public static let formerNames = ["criticWidths": "discriminatorWidths", "mapped": "wSize"]
  public static let shaping: Set = ["depth", "discriminatorWidths", "latent", "traits", "wSize", "widths"]
  public static let notes = [
    "batch": "Pictures per update: 1 or more.",
    "latent": "Size of the latent vector: 1 or more.",
    "wSize": "Size of w, the style vector.",
    "depth": "Layers of the mapping network.",
    "widths": "The generator's channels at the least size (4 px of 64), twice that, … up to the size.",
    "discriminatorWidths": "The discriminator's channels.",
    "rate": "Adam's learning rate, for both networks.",
    "gamma": "Weight of R1.",
    "penaltyEvery": "Steps between R1 penalties (lazy regularisation): 1 or more.",
    "pathWeight": "Weight of path length regularisation.",
    "pathEvery": "Steps between path length penalties (lazy regularisation): 1 or more.",
    "mixing": "Probability of style mixing: 0 to 1.",
    "averageHalfLife": "Half-life of the moving average, in pictures.",
    "augment": "Probability of each augmentation; with adapt, the starting value; 0 to 1.",
    "changes": "shift, blit (flips, turns too), geometry (scales, rotations) or all (colours).",
    "adapt": "Adaptive augmentation (ADA): target of the overfitting measure r; 0 for off; 0 or more and below 1.",
    "seamless": "Tileable pictures: opposite edges match.",
    "mirror": "Also train on mirrored pictures.",
    "conditional": "Class-conditional: learn the folders as classes, when there are two or more.",
    "traits": "Numbers of what a pretrained network sees that tell both networks what a picture is like; 0 for none.",
    "pictures": "Pictures whose traits are kept: those of the set.",
    "classes": "Names of the classes: the folders.",
    "classCounts": "Pictures in each class.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    (size, channels) = (situation.size, situation.channels)
    let isLarge: Bool
    switch preset {
    case nil: isLarge = !situation.device.isCPU
    case "small": isLarge = false
    case "large": isLarge = true
    case let other?:
      throw .unknownPreset(other, recipe: StyleGAN2Recipe.name, known: StyleGAN2Recipe.presets.map(\.name))
    }
    let stages = (Self.grids?.grid(of: size)?.doublings ?? 1) + 1
    // A smaller picture's network is the end of a larger one's.
    let narrow = [128, 128, 64, 32, 16, 16, 16, 16, 16], wide = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    widths = Array((isLarge ? wide : narrow).prefix(stages))
    discriminatorWidths = widths
    if isLarge { (batch, latent, wSize, depth, pathEvery) = (32, 512, 512, 8, 4) }
    // R1 sums over pixels: larger pictures have more of them (the 0.0002·size²/batch of StyleGAN2-ADA, ten times over
    // for few pictures).
    gamma = 0.002 * Double(size.pixels) / Double(batch)
    // Of a hundred pictures these left one shape in many colours.
    if !isLarge && situation.pictures < 1000 { (gamma, changes, pathWeight, mixing) = (8 * gamma, "shift", 0, 0.5) }
    if let found = situation.classes { (classes, classCounts) = (found.names, found.counts) }
    chooseTraits(for: situation)
    try check()
  }

  func check() throws(RecipeError) {
    let stages = try Self.grids!.expect(size, recipe: StyleGAN2Recipe.name).doublings + 1
    for (name, list) in [("widths", widths), ("discriminator-widths", discriminatorWidths)] {
      try expect(
        list.count == stages && list.allSatisfy { $0 > 0 }, name, list,
        "for \(size) px it must be \(stages) numbers above 0")
    }
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
    try expect(latent > 0 && wSize > 0 && depth > 0, "latent", latent, "it must be 1 or more")
    try expect(penaltyEvery > 0, "penalty-every", penaltyEvery, "it must be 1 or more")
    try expect(pathEvery > 0, "path-every", pathEvery, "it must be 1 or more")
    try expect((0...1).contains(mixing), "mixing", mixing, "it must be in 0...1")
    try expect(
      ["shift", "blit", "geometry", "all"].contains(changes), "changes", "'\(changes)'",
      "use shift, blit, geometry or all")
    try checkTraits()
    try expect(classes.count == classCounts.count, "classes", classes, "give as many class-counts")
    try expect((0...1).contains(augment), "augment", augment, "it must be in 0...1")
    try expect((0..<1).contains(adapt), "adapt", adapt, "it must be 0 or more and below 1")
  }

  /// The size of the first features.
  var least: PictureSize { Self.grids!.grid(of: size)!.least }

  /// The part of an optimizer's steps that is its own, where penalties take one now and then (Karras et al. 2020, appendix B);
  /// all of them where there is no penalty.
  var ratios: (g: Double, d: Double) {
    func ratio(_ interval: Int, _ weight: Double) -> Double {
      weight > 0 ? Double(interval) / Double(interval + 1) : 1
    }
    return (ratio(pathEvery, pathWeight), ratio(penaltyEvery, gamma))
  }

  /// The augmentation pipeline of `changes`; nil for a shift alone.
  var pipe: AugmentPipe? {
    changes == "shift"
      ? nil : AugmentPipe(geometry: changes == "geometry" || changes == "all", colours: changes == "all")
  }
}
