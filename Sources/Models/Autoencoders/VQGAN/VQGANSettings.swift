import Torch
import Training

/// Settings of `VQGANRecipe`.
public struct VQGANSettings: RecipeSettings {
  public var size: PictureSize = 32
  public var channels = 3
  public var batch = 32
  public var grid = 8
  public var codes = 256
  public var dimensions = 32
  public var widths = [64, 96]
  public var stem = 16
  public var commitment = 0.25
  public var perceptual = 0.0
  public var adversarial = 0.5
  public var adversarialFrom = 0.15
  public var discriminatorWidths = [128, 96, 64]
  public var priorFrom = 0.5
  public var priorWidth = 128
  public var priorDepth = 4
  public var rate = 1e-3
  public var averageMemory = 0.05
  public var steps = 12
  public var temperature = 1.0
  public var mirror = false
  public var precision = "auto"
  public init() {}
  public static let formerNames = ["criticWidths": "discriminatorWidths"]
  public static let shaping: Set = [
    "codes", "dimensions", "discriminatorWidths", "grid", "priorDepth", "priorWidth", "stem", "widths",
  ]
  public static let notes = [
    "batch": "Pictures per update: 1 or more.",
    "grid": "Codes a side of the grid of a picture.",
    "codes": "Codes in the codebook: 2 to 65536.",
    "dimensions": "Dimensions of a code: 1 or more.",
    "widths": "Channels at half of the size, a quarter, … down to the grid.",
    "stem": "The encoder's channels at full resolution.",
    "commitment": "Weight of the commitment loss: 0 or more.",
    "perceptual": "Weight of the perceptual loss: 0 or more, and the trained network sees colours.",
    "adversarial": "Weight of the adversarial loss.",
    "adversarialFrom": "Fraction of the run after which the adversarial loss starts: 0 to 1.",
    "discriminatorWidths": "The discriminator's channels at 4, 8, 16, … px, up to half of the size.",
    "priorFrom": "Fraction of the run after which only the transformer (prior) is trained: in 0.05...0.95.",
    "priorWidth": "Width of the transformer that samples codes: a multiple of 32.",
    "priorDepth": "Layers of that transformer: 1 or more.",
    "rate": "Adam's learning rate; falls along a cosine to a fiftieth, for each part of the run.",
    "averageMemory": "Half-life of the moving averages, as a fraction of the run so far.",
    "steps": "Sampling steps of the transformer (MaskGIT): 1 to 100.",
    "temperature": "Sampling temperature: lower is safer and less varied; 0 to 10.",
    "mirror": "Also train on mirrored pictures.",
    "precision": "auto, bfloat16 or float32.",
  ]

  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: VQGANRecipe.name, known: []) }
    (size, channels) = (situation.size, situation.channels)
    grid = max(4, min(16, side / 4))
    let halvings = max(1, Int(Double(max(side, 8) / grid).exponent))
    widths = Array([128, 96, 64, 32, 32].prefix(halvings).reversed())
    if halvings == 2 { widths = [64, 96] }
    if !situation.device.isCPU { (widths, priorWidth, priorDepth) = (widths.map { 2 * $0 }, 256, 8) }
    discriminatorWidths = Array([128, 96, 64, 32, 24, 16].prefix(Int(Double(max(side, 8) / 4).exponent)))
    try check()
  }

  func check() throws(RecipeError) {
    guard [16, 32, 64, 128, 256].contains(side) else {
      throw .impossibleSize(size, recipe: VQGANRecipe.name, reason: "use 16, 32, 64, 128 or 256")
    }
    try expect(
      !widths.isEmpty && widths.allSatisfy { $0 > 0 } && grid << widths.count == side, "widths", widths,
      "from \(size) px to a grid of \(grid) it must be \(Int(Double(max(1, side / max(1, grid))).exponent)) numbers above 0"
    )
    try expect(
      adversarial == 0 || 4 << discriminatorWidths.count == side, "discriminator-widths", discriminatorWidths,
      "for \(size) px it must be \(Int(Double(side / 4).exponent)) numbers above 0")
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
    try expect((2...65536).contains(codes), "codes", codes, "it must be in 2...65536")
    try expect(dimensions > 0 && stem > 0, "dimensions", dimensions, "it must be 1 or more")
    try expect(priorWidth > 0 && priorWidth % 32 == 0, "prior-width", priorWidth, "it must be a multiple of 32")
    try expect(priorDepth > 0, "prior-depth", priorDepth, "it must be 1 or more")
    try expect((0.05...0.95).contains(priorFrom), "prior-from", priorFrom, "it must be in 0.05...0.95")
    try expect((0...1).contains(adversarialFrom), "adversarial-from", adversarialFrom, "it must be in 0...1")
    try expect(commitment >= 0 && adversarial >= 0, "commitment", commitment, "it must be 0 or more")
    try expect(
      perceptual == 0 || perceptual > 0 && channels == 3, "perceptual", perceptual,
      "it must be 0 or more, and the trained network sees colours")
    try expect((1...100).contains(steps), "steps", steps, "it must be in 1...100")
    try expect((0...10).contains(temperature), "temperature", temperature, "it must be in 0...10")
  }
}
