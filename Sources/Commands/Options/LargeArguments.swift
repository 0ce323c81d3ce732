import ArgumentParser
import LargeModels
import enum Torch.DType
import Workshop

/// How a large model draws by words: options of `generate`, `vary` and `fill`, which refuse them for other models.
struct LargeArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "For a large model, what to draw, as closely as --guidance says (default: 7.5, or what the model's file says); (words:1.3) count more, BREAK begins a new piece of 75 tokens.",
      valueName: "words"))
  var prompt: String?

  @Option(help: ArgumentHelp("For a large model, what to keep away from.", valueName: "words"))
  var negative: String?

  @Option(help: "For a large model, the sampler. (default: what the model's files say, else dpm++2m)")
  var sampler: LargeModels.Sampler?

  @Option(help: "For a large model, how the steps are spread. (default: what the model's files say)")
  var schedule: Spacing?

  @Option(
    name: .customLong("lora"), parsing: .singleValue,
    help: ArgumentHelp(
      "For a large model, a LoRA file and how much it counts, such as ink.safetensors:0.8; repeat for others.",
      valueName: "file:x"))
  var loras: [String] = []

  @Option(help: ArgumentHelp("For a large model, last layers of the text encoder to leave out.", valueName: "n"))
  var clipSkip = Asked(0)

  @Option(
    help: ArgumentHelp(
      "For a large model with zero terminal SNR, how much of the contrast that guidance adds is taken back, such as 0.7.",
      valueName: "x"))
  var guidanceRescale = Asked(0.0)

  @Option(
    help:
      "For a large model, what its network answers: epsilon (noise) or v, where the file says it wrongly or not at all."
  )
  var prediction: PredictionName?

  /// Names without hyphens, and whether each was given.
  var given: [(name: String, isGiven: Bool)] {
    [
      ("prompt", prompt != nil), ("negative", negative != nil), ("sampler", sampler != nil),
      ("schedule", schedule != nil), ("lora", !loras.isEmpty), ("clip-skip", clipSkip.isGiven),
      ("guidance-rescale", guidanceRescale.isGiven), ("prediction", prediction != nil),
    ]
  }

  /// - Parameters:
  ///   - steps: denoising steps; nil for the usual 20.
  ///   - guidance: nil for what the model's file says, else 7.5.
  ///   - precision: nil for what is faster here.
  ///   - memory: in gigabytes; nil for the machine's.
  func settings(steps: Int?, guidance: Double?, precision: DType?, memory: Double?) throws -> LargeSettings {
    var settings = LargeSettings()
    (settings.negative, settings.sampler, settings.spacing) = (negative ?? "", sampler, schedule)
    if let steps { settings.steps = steps }
    settings.guidance = guidance
    (settings.guidanceRescale, settings.clipSkip) = (guidanceRescale.value, clipSkip.value)
    settings.loras = try loras.map(WeightedLoRA.init)
    (settings.precision, settings.memory, settings.prediction) = (precision, memory, prediction?.value)
    return settings
  }

  /// What a large model is told beside a picture.
  ///
  /// - Parameter settings: by `settings`.
  /// - Throws: `LargeError.noPrompt`.
  func editing(with model: String, _ settings: LargeSettings, strength: Double?, size: Int?) throws -> LargeEditing {
    guard let prompt else { throw LargeError.noPrompt(model) }
    var editing = LargeEditing(model: model, prompt: prompt)
    (editing.settings, editing.strength, editing.size) = (settings, strength, size)
    return editing
  }
}

/// What steers a large model beside words: options of `generate` and `restyle`.
struct ControlArguments: ParsableArguments {
  @Option(
    name: .customLong("control"), parsing: .singleValue,
    help: ArgumentHelp(
      "For a large model, a ControlNet and the picture that it is shown, such as depth.safetensors:depth.png, perhaps with its weight and its part of the steps, :0.8:0-0.6; repeat for others. For the picture, `restyle` takes the word edges: they are found in the content.",
      valueName: "file:map"))
  var controls: [String] = []

  var given: [(name: String, isGiven: Bool)] { [("control", !controls.isEmpty)] }

  /// - Throws: `LargeError.badControl`.
  func choices() throws -> [ControlChoice] { try controls.map(ControlChoice.init) }
}

/// How a large model computes, where a verb has no such options of its own.
struct LargeComputing: ParsableArguments {
  @Option(help: "For a large model, what it computes in. (default: what is faster here)")
  var precision: PrecisionName?

  @Option(
    help: ArgumentHelp(
      "For a large model, a memory budget in GB: what doesn't fit is loaded in turn. (default: the machine's)",
      valueName: "n"))
  var memory: Double?

  /// Names without hyphens, and whether each was given.
  var given: [(name: String, isGiven: Bool)] { [("precision", precision != nil), ("memory", memory != nil)] }
}

/// What a network answers, as others write it.
enum PredictionName: String, CaseIterable, ExpressibleByArgument {
  case epsilon, v
  var value: Prediction { self == .v ? .velocity : .noise }
}

enum PrecisionName: String, CaseIterable, ExpressibleByArgument {
  case float32, bfloat16
  var value: DType { self == .float32 ? .float32 : .bfloat16 }
}

/// A large model's precision by the option of verbs that have one of their own; nil takes what is faster.
///
/// - Throws: `EnlargeError.badPrecision`.
func largePrecision(_ name: String) throws(EnlargeError) -> DType? {
  switch name {
  case "auto": nil
  case "bfloat16": .bfloat16
  case "float32": .float32
  default: throw .badPrecision(name)
  }
}

extension LargeModels.Sampler: ExpressibleByArgument {}
extension Spacing: ExpressibleByArgument {}

/// The sentence's end where options for large models are refused.
func notByWords(_ name: String) -> String { "for \(name), which isn't a model that draws by words" }
