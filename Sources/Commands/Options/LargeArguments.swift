import ArgumentParser
import LargeModels
import enum Torch.DType
import Workshop

/// How a large model draws by words: options of `generate`, `vary` and `fill`, which refuse them for other models.
struct LargeArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "For a large model, what to draw, as closely as --guidance says (default: 7.5); (words:1.3) count more, BREAK begins a new piece of 75 tokens.",
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

  @Option(help: "For a large model, what it computes in. (default: what is faster here)")
  var precision: PrecisionName?

  @Option(
    help: ArgumentHelp(
      "For a large model, a memory budget in GB: what doesn't fit is loaded in turn. (default: the machine's)",
      valueName: "n"))
  var memory: Double?

  /// Names without hyphens, and whether each was given.
  var given: [(name: String, isGiven: Bool)] {
    [
      ("prompt", prompt != nil), ("negative", negative != nil), ("sampler", sampler != nil),
      ("schedule", schedule != nil), ("lora", !loras.isEmpty), ("clip-skip", clipSkip.isGiven),
      ("guidance-rescale", guidanceRescale.isGiven), ("prediction", prediction != nil),
      ("precision", precision != nil), ("memory", memory != nil),
    ]
  }

  /// - Parameters:
  ///   - steps: denoising steps; nil for the usual 20.
  ///   - guidance: nil for the usual 7.5.
  func settings(steps: Int?, guidance: Double?) throws -> LargeSettings {
    var settings = LargeSettings()
    (settings.negative, settings.sampler, settings.spacing) = (negative ?? "", sampler, schedule)
    if let steps { settings.steps = steps }
    if let guidance { settings.guidance = guidance }
    (settings.guidanceRescale, settings.clipSkip) = (guidanceRescale.value, clipSkip.value)
    settings.loras = try loras.map(WeightedLoRA.init)
    (settings.precision, settings.memory, settings.prediction) = (precision?.value, memory, prediction?.value)
    return settings
  }

  /// What `vary` and `fill` ask of a large model.
  ///
  /// - Throws: `LargeError.noPrompt`.
  func editing(
    with model: String, steps: Int?, guidance: Double?, strength: Double?, size: Int?
  ) throws -> LargeEditing {
    guard let prompt else { throw LargeError.noPrompt(model) }
    var editing = LargeEditing(model: model, prompt: prompt)
    editing.settings = try settings(steps: steps, guidance: guidance)
    (editing.strength, editing.size) = (strength, size)
    return editing
  }
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

extension LargeModels.Sampler: ExpressibleByArgument {}
extension Spacing: ExpressibleByArgument {}

/// The sentence's end where options for large models are refused.
func notByWords(_ name: String) -> String { "for \(name), which isn't a model that draws by words" }
