import Networks
import Torch
import Training

/// Settings of `WordsRecipe`.
public struct WordsSettings: RecipeSettings {
  public var size: PictureSize = 64
  public var channels = 3
  public var batch = 16
  public var widths = [64, 96, 128]
  public var blocks = 1
  public var attention = 8
  public var heads = 4
  public var textWidth = 128
  public var textLayers = 4
  public var textHeads = 4
  public var merges = 0
  public var coderWidths = [32, 64, 96]
  public var coderBlocks = 1
  public var latentChannels = 4
  public var coding = 0.3
  public var coderRate = 1e-3
  public var structure = 1.0
  public var divergence = 1e-4
  public var rate = 5e-4
  public var rateHold = 0.4
  public var warmUp = 500
  public var beta2 = 0.99
  public var weightDecay = 0.01
  public var averageMemory = 0.05
  public var minSNR = 5.0
  public var captionDropout = 0.1
  public var wordDropout = 0.1
  public var steps = 20
  public var guidance = 3.0
  public var precision = "auto"
  public init() {}
  public static let shaping: Set = [
    "attention", "blocks", "coderBlocks", "coderWidths", "heads", "latentChannels", "merges", "textHeads", "textLayers",
    "textWidth", "widths",
  ]
  public static let notes = [
    "size": "Side of the pictures in pixels: a multiple of 8, from 16 to 512.",
    "channels": "3: what the layout has.",
    "batch": "Pictures per update: 1 or more.",
    "widths": "The UNet's channels at the latents' size, half of it, a quarter, …",
    "blocks": "The UNet's residual blocks a size: 1 or more.",
    "attention": "The largest features with attention to themselves and the words, by their side.",
    "heads": "Attention heads of the UNet, at each size.",
    "textWidth": "Width of the text encoder.",
    "textLayers": "Layers of the text encoder: 1 or more.",
    "textHeads": "Attention heads of the text encoder.",
    "merges": "Pieces of words that the vocabulary has beside single letters; taken from the captions.",
    "coderWidths": "The autoencoder's channels at full size, half of it, a quarter, … down to the latents.",
    "coderBlocks": "The autoencoder's residual blocks a size: 1 or more.",
    "latentChannels": "Channels of the latents: 4 is the layout's.",
    "coding": "The first fraction of the run: training the autoencoder; 0 to 0.9.",
    "coderRate": "The autoencoder's learning rate, for Adam.",
    "structure": "Weight of what differs at edges and in fine detail (Laplacian pyramid), in the autoencoder's loss.",
    "divergence": "Weight of the KL divergence, which keeps the latents even, in the autoencoder's loss.",
    "rate": "Learning rate of UNet and text encoder, for AdamW.",
    "rateHold": "Fraction of their learning after which it falls along a cosine.",
    "warmUp": "Steps over which it rises.",
    "weightDecay": "AdamW's decay of weights: 0 or more.",
    "averageMemory": "Half-life of the moving average, as a fraction of the run so far.",
    "minSNR": "Weights of noise levels are cut at this signal-to-noise ratio; 0 weights all alike.",
    "captionDropout": "Share of pictures that are learned without words, which guidance needs; 0 to 1.",
    "wordDropout": "Share of words that are left out, so that single words mean something; 0 to 1.",
    "steps": "Denoising steps of pictures on sheets: 1 to 1000.",
    "guidance": "Guidance of pictures on sheets; 1 is none.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// Settings that suit the pictures, their captions and the processor.
  ///
  /// - Throws: `RecipeError.unknownPreset`, `impossibleSize` or `badSetting`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    (size, channels) = (situation.size, situation.channels)
    let isLarge: Bool
    switch preset {
    case nil: isLarge = !situation.device.isCPU
    case "small": isLarge = false
    case "large": isLarge = true
    case let other?:
      throw .unknownPreset(other, recipe: WordsRecipe.name, known: WordsRecipe.presets.map(\.name))
    }
    let halvings = side <= 32 ? 1 : side <= 128 ? 2 : 3
    coderWidths = Array([32, 64, 96, 128].prefix(halvings + 1))
    // Latents are halved down to 4 places or a little more.
    let sizes = 1 + (1..<4).prefix { (side >> halvings) % (1 << $0) == 0 && side >> (halvings + $0) >= 4 }.count
    widths = Array([64, 64, 96, 128].suffix(sizes))
    if isLarge {
      (widths, coderWidths) = (widths.map { 2 * $0 }, coderWidths.map { 2 * $0 })
      (blocks, heads, textWidth, batch) = (2, 8, 256, 64)
    }
    merges = Vocabulary.merges(neededBy: situation.captions).count
    try check()
  }

  /// The side of the latents.
  var grid: Int { side >> (coderWidths.count - 1) }

  func check() throws(RecipeError) {
    func fail(_ reason: String) -> RecipeError { .impossibleSize(size, recipe: WordsRecipe.name, reason: reason) }
    guard (16...512).contains(side), side % 8 == 0 else { throw fail("give a multiple of 8 from 16 to 512") }
    try expect(channels == 3, "channels", channels, "this recipe makes colour pictures, so it must be 3")
    for (name, widths) in [("coder-widths", coderWidths), ("widths", widths)] {
      try expect(
        !widths.isEmpty && widths.allSatisfy { $0 % 8 == 0 && (8...2048).contains($0) }, name, widths,
        "give multiples of 8, at most 2048")
    }
    try expect(
      coderWidths.count <= 5 && grid << (coderWidths.count - 1) == side && grid >= 4, "coder-widths", coderWidths,
      "from \(side) px down to 4 or more, each number after the first halves the side")
    try expect(
      widths.count <= 6 && grid % (1 << (widths.count - 1)) == 0, "widths", widths,
      "the latents' side, \(grid), must be halved by each number after the first")
    try expect(
      heads > 0 && widths.allSatisfy { $0 % heads == 0 }, "heads", heads, "it must divide all widths \(widths)")
    try expect(
      textHeads > 0 && (8...2048).contains(textWidth) && textWidth % textHeads == 0, "text-heads", textHeads,
      "it must divide text-width, \(textWidth)")
    try expect((1...48).contains(textLayers), "text-layers", textLayers, "it must be in 1...48")
    try expect((0...Tokenizer.clipMerges.count).contains(merges), "merges", merges, "it must be 0 or more")
    try expect((1...8).contains(blocks), "blocks", blocks, "it must be in 1...8")
    try expect((1...8).contains(coderBlocks), "coder-blocks", coderBlocks, "it must be in 1...8")
    try expect((1...64).contains(latentChannels), "latent-channels", latentChannels, "it must be in 1...64")
    try expect((0...0.9).contains(coding), "coding", coding, "it must be in 0...0.9")
    for (name, value) in [("caption-dropout", captionDropout), ("word-dropout", wordDropout)] {
      try expect((0...1).contains(value), name, value, "it must be in 0...1")
    }
    for (name, value) in [
      ("structure", structure), ("divergence", divergence), ("min-snr", minSNR), ("weight-decay", weightDecay),
    ] {
      try expect(value >= 0, name, value, "it must be 0 or more")
    }
    try expect((1...1000).contains(steps), "steps", steps, "it must be in 1...1000")
    try expect((0...100).contains(guidance), "guidance", guidance, "it must be in 0...100")
    try expect(
      ["auto", "bfloat16", "float32"].contains(precision), "precision", precision, "use auto, bfloat16 or float32")
  }

  private func expect<V>(
    _ isRight: Bool, _ name: String, _ value: V, _ reason: String
  ) throws(RecipeError) {
    guard !isRight else { return }
    throw .badSetting(name, value: "\(value)", reason: reason)
  }

  /// The learning rate for a part of the run that is done by `fraction`, in `steps` so far.
  func rate(at fraction: Double, steps: Int) -> Double {
    let rise = warmUp > 0 ? min(1, Double(steps + 1) / Double(warmUp)) : 1
    return rate * rise * Schedule.cosine(from: 1, to: 0.02, during: rateHold...1)(fraction)
  }
}

// MARK: The layout

extension WordsSettings {
  /// Groups of normalisations: the most that leave each four channels.
  private static func groups(_ widths: [Int]) -> Int {
    [32, 16, 8, 4, 2].first { groups in widths.allSatisfy { $0 % groups == 0 && $0 / groups >= 4 } } ?? 1
  }

  var text: TextConfiguration {
    var c = TextConfiguration()
    (c.vocabulary, c.width, c.inner) = (Vocabulary.letters + merges, textWidth, 4 * textWidth)
    (c.layers, c.heads, c.end) = (textLayers, textHeads, Vocabulary.letters + merges - 1)
    return c
  }

  var unet: UNetConfiguration {
    var c = UNetConfiguration()
    (c.inputs, c.outputs, c.side) = (latentChannels, latentChannels, grid)
    (c.widths, c.blocks, c.context) = (widths, blocks, textWidth)
    c.heads = widths.map { _ in heads }
    c.groups = Self.groups(widths)
    c.transformers = widths.indices.map { grid >> $0 <= attention ? 1 : 0 }
    return c
  }

  /// - Parameter scale: what latents are multiplied by.
  func coder(scale: Double) -> AutoencoderConfiguration {
    var c = AutoencoderConfiguration()
    (c.channels, c.latents, c.widths, c.blocks) = (channels, latentChannels, coderWidths, coderBlocks)
    (c.groups, c.scale, c.forcesUpcast) = (Self.groups(coderWidths), scale, false)
    return c
  }

  /// Stable Diffusion's noise levels, with v as what the network answers.
  static let schedule: NoiseSchedule = {
    var schedule = NoiseSchedule()
    (schedule.prediction, schedule.sampler) = (.velocity, .solver)
    // Steps begin with all of the noise (Lin et al. 2024, section 3.3).
    (schedule.spacing, schedule.evenSpacing) = (.trailing, .trailing)
    schedule.endsWithoutNoise = true
    return schedule
  }()
}
