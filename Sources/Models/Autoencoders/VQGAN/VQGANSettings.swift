import Torch
import Training

/// Settings of `VQGANRecipe`.
public struct VQGANSettings: RecipeSettings {
  public var size = 32
  public var channels = 3
  public var batch = 32
  public var grid = 8  // Codes a side of the grid of a picture.
  public var codes = 256  // Codes in the codebook.
  public var dimensions = 32  // Dimensions of a code.
  public var widths = [64, 96]  // Channels at half of the size, a quarter, … down to the grid.
  public var stem = 16  // The encoder's channels at full resolution.
  public var commitment = 0.25  // Weight of the commitment loss.
  public var perceptual = 0.0  // Weight of the perceptual loss.
  public var adversarial = 0.5  // Weight of the adversarial loss.
  public var adversarialFrom = 0.15  // Fraction of the run after which the adversarial loss starts.
  /// The discriminator's channels at 4, 8, 16, … px, up to half of the size.
  public var discriminatorWidths = [128, 96, 64]
  public var priorFrom = 0.5  // Fraction of the run after which only the transformer (prior) is trained.
  public var priorWidth = 128
  public var priorDepth = 4
  public var rate = 1e-3  // Adam's learning rate; falls along a cosine to a fiftieth, for each part of the run.
  public var averageMemory = 0.05  // Half-life of the moving averages, as a fraction of the run so far.
  public var steps = 12  // Sampling steps of the transformer (MaskGIT).
  public var temperature = 1.0  // Sampling temperature: lower is safer and less varied.
  public var mirror = false  // Also train on mirrored pictures.
  public var precision = "auto"  // auto, bfloat16 or float32.
  public init() {}
  public static let formerNames = ["criticWidths": "discriminatorWidths"]
  public static let shaping: Set = [
    "codes", "dimensions", "discriminatorWidths", "grid", "priorDepth", "priorWidth", "stem", "widths",
  ]

  /// - Throws: `RecipeError.unknownPreset` or `impossibleSize`.
  public init(for situation: Situation, preset: String?) throws(RecipeError) {
    guard preset == nil else { throw .unknownPreset(preset!, recipe: VQGANRecipe.name, known: []) }
    (size, channels) = (situation.size, situation.channels)
    grid = max(4, min(16, size / 4))
    let halvings = max(1, Int(Double(max(size, 8) / grid).exponent))
    widths = Array([128, 96, 64, 32, 32].prefix(halvings).reversed())
    if halvings == 2 { widths = [64, 96] }
    if !situation.device.isCPU { (widths, priorWidth, priorDepth) = (widths.map { 2 * $0 }, 256, 8) }
    discriminatorWidths = Array([128, 96, 64, 32, 24, 16].prefix(Int(Double(max(size, 8) / 4).exponent)))
    try check()
  }

  func check() throws(RecipeError) {
    guard [16, 32, 64, 128, 256].contains(size) else {
      throw .impossibleSize(size, recipe: VQGANRecipe.name, reason: "use 16, 32, 64, 128 or 256")
    }
    try expect(
      !widths.isEmpty && widths.allSatisfy { $0 > 0 } && grid << widths.count == size, "widths", widths,
      "from \(size) px to a grid of \(grid) it must be \(Int(Double(max(1, size / max(1, grid))).exponent)) numbers above 0"
    )
    try expect(
      adversarial == 0 || 4 << discriminatorWidths.count == size, "discriminator-widths", discriminatorWidths,
      "for \(size) px it must be \(Int(Double(size / 4).exponent)) numbers above 0")
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
