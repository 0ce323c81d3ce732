import ArgumentParser
import Foundation
import Media
import struct Torch.PictureSize
import Training
import Workshop

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generate pictures from a trained model (sampling), or by words with a large model.",
    discussion: """
      A random seed always gives the same picture. Each PNG records in its metadata how it was made.
      A Stable Diffusion model that you own (see `atelier models inspect`) draws by words:
        atelier generate v1-5.safetensors --prompt "a lighthouse at dusk" --seeds 0-3 --out drawn
      """)

  @Argument(
    help: ArgumentHelp(
      "A run's folder, a checkpoint's file, a large model's file or folder, or the name of a run or model.",
      valueName: "run"))
  var source: String

  @Option(
    help: ArgumentHelp(
      "Draw a large model's picture again, by what its PNG says: one of Atelier's, or of another tool.",
      valueName: "picture"))
  var again: String?

  @Option(
    help: ArgumentHelp(
      "Random seeds, a picture each: numbers and ranges, such as 0-63,80. (default: 0-15; 0 with a large model)",
      valueName: "list"))
  var seeds: String?

  @Option(help: ArgumentHelp("The folder for the pictures; it is created if missing.", valueName: "dir"))
  var out: String

  @Flag(help: "Also write all pictures on one sheet, sheet.png.")
  var grid = false

  @Flag(
    help:
      "Also write classes.png: a row for each class that the generator knows, with the pictures of the first 8 seeds.")
  var eachClass = false

  @Option(
    help: ArgumentHelp(
      "Latent interpolation from one seed to another, on interpolation.png: 3-7, or 3-7,7-12.", valueName: "a-b"))
  var interpolate: String?

  @Option(
    help: ArgumentHelp(
      "With two-dimensional latents: the whole plane on map.png, with this many pictures a side.", valueName: "n"))
  var map: Int?

  @Option(
    help: ArgumentHelp(
      "Pictures in each interpolation; with a large model, denoising steps. (default: 8; 20)", valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "For a large model, a text file with a prompt a line; {red|blue} draws both.", valueName: "file"))
  var prompts: String?

  @Option(
    help: ArgumentHelp(
      "For a large model, width and height in pixels, such as 512x768. (default: what it was trained on)",
      valueName: "n"))
  var size: PictureSize?

  @Option(help: ArgumentHelp("Truncation, from 1 (none) down to 0: less variety, fewer failures.", valueName: "x"))
  var truncation: Double?

  @Option(
    name: .customLong("slide"), parsing: .singleValue,
    help: ArgumentHelp(
      "Move along a latent direction that `sliders` found, in standard deviations; repeat for others.",
      valueName: "name=x"))
  var slides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Style mixing, on mixing.png: coarse layers of these seeds, fine layers of those of --with.", valueName: "list"))
  var mix: String?

  @Option(help: ArgumentHelp("Seeds whose fine layers are mixed in, with --mix.", valueName: "list"))
  var with: String?

  @Option(help: ArgumentHelp("The first fine layer. (default: the middle one)", valueName: "n"))
  var mixAt: Int?

  @Option(
    help: ArgumentHelp(
      "Background colour of sheets, under transparent pictures: white, black or ff8800.", valueName: "colour"))
  var ground = Asked(Ground.white)

  @Flag(help: "Overwrite existing files.")
  var force = false

  @OptionGroup var sharing: ShardOption
  @OptionGroup var enlarging: EnlargingOptions
  @OptionGroup var drawing: SamplingArguments
  @OptionGroup var large: LargeArguments
  @OptionGroup var control: ControlArguments
  @OptionGroup var computing: LargeComputing
  @OptionGroup var device: DeviceOption
  @OptionGroup var common: Common

  func validate() throws {
    if (mix == nil) != (with == nil) { throw ValidationError("Give --mix and --with together: --mix 0-3 --with 8-15.") }
    if large.prompt != nil { try refuse([("prompts", prompts != nil)], "with --prompt, which is the only one then") }
    if mix == nil { try refuse([("mix-at", mixAt != nil)], "without --mix") }
    if !grid && !eachClass && interpolate == nil && mix == nil {
      try refuse([("ground", ground.isGiven)], "without a sheet, such as --grid writes")
    }
    try check(size)
  }

  func run() throws {
    if let again { return try draw(again) }
    if isLargeModel(source, in: common.place) { return try drawByWords() }
    if interpolate == nil { try refuse([("steps", steps != nil)], "without --interpolate, whose pictures they are") }
    let shard = try sharing.value()
    if shard != nil {
      try refuse(
        [
          ("grid", grid), ("each-class", eachClass), ("interpolate", interpolate != nil), ("map", map != nil),
          ("mix", mix != nil), ("force", force),
        ], "with --shard, which makes a part of the pictures and passes over what is done")
    }
    let teller = common.teller(stops: enlarging.enlarge == nil ? .never : .onceItWorks)
    var request = GenerateRequest(seeds: try Seeds(seeds ?? "0-15"), out: out)
    (request.grid, request.truncation, request.force) = (grid, truncation, force)
    if let steps { request.steps = steps }
    (request.eachClass, request.shard) = (eachClass, shard)
    (request.map, request.ground) = (map, ground.value)
    request.enlarging = try enlarging.settings()
    request.slides = try SliderPositions(slides)
    if let mix, let with { request.mix = (try Seeds(mix), try Seeds(with)) }
    request.mixAt = mixAt
    request.interpolate = try interpolate.map(SeedPairs.init)
    var generator = try Generator(source, in: common.place, on: device.resolved()) { teller.tell(.note($0.sentence)) }
    try refuse(
      large.given + control.given + computing.given + [("prompts", prompts != nil), ("size", size != nil)],
      notByWords(source))
    try generator.draw(drawing.value)
    teller.finish(
      .generate(
        try generate(
          request, with: generator, copiesIn: common.place, tell: teller.tell,
          shouldStop: { Interruption.isRequested })))
  }

  /// Options that a large model has no use for.
  private var forOthers: [(name: String, isGiven: Bool)] {
    [
      ("each-class", eachClass), ("interpolate", interpolate != nil), ("map", map != nil),
      ("truncation", truncation != nil), ("slide", !slides.isEmpty), ("mix", mix != nil), ("with", with != nil),
      ("mix-at", mixAt != nil), ("sampling", drawing.sampling != nil), ("class", drawing.className != nil),
      ("enlarge", enlarging.enlarge != nil), ("shard", sharing.shard != nil),
    ]
  }

  /// A picture that a large model drew before.
  private func draw(_ picture: String) throws {
    let fixed = (large.given + control.given + computing.given).filter { !["lora", "memory"].contains($0.name) }
    let others: [(name: String, isGiven: Bool)] = [
      ("prompts", prompts != nil), ("seeds", seeds != nil), ("size", size != nil), ("steps", steps != nil),
      ("guidance", drawing.guidance != nil), ("grid", grid),
    ]
    try refuse(forOthers + fixed + others, "with --again, which takes it from the picture")
    let teller = common.teller(stops: .onceItWorks)
    var request = try requestAgain(
      picture, model: source, loras: large.loras, out: out, in: common.place, tell: teller.tell)
    (request.settings.memory, request.force) = (computing.memory, force)
    try draw(request, teller)
  }

  /// With a large model.
  private func drawByWords() throws {
    try refuse(forOthers, "for \(source), a model that draws by words")
    guard let all = try prompts.map({ try Workshop.prompts(in: $0) }) ?? large.prompt.map({ [$0] }) else {
      throw LargeError.noPrompt(source)
    }
    let teller = common.teller(stops: .onceItWorks)
    var request = LargeGenerateRequest(model: source, prompts: all, out: out)
    (request.seeds, request.size, request.grid) = (try Seeds(seeds ?? "0"), size, grid)
    (request.ground, request.force) = (ground.value, force)
    request.settings = try large.settings(
      steps: steps, guidance: drawing.guidance, precision: computing.precision?.value, memory: computing.memory)
    request.settings.controls = try control.choices()
    try draw(request, teller)
  }

  private func draw(_ request: LargeGenerateRequest, _ teller: Teller) throws {
    teller.finish(
      .generate(
        try generate(
          request, in: common.place, on: device.resolved(), shouldStop: { Interruption.isRequested },
          tell: teller.tell)))
  }
}
