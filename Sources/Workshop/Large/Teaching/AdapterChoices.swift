import Foundation
import LargeModels
import Media
import Torch
import Training

/// The settings of a LoRA's training, as `--key value` gives them.
public struct AdapterChoices: Codable, Sendable, Equatable {
  public var adapter = AdapterSettings()
  /// Pictures an update, one after the other, so that memory is one's.
  public var batch = 1
  /// A word before all captions, which calls what is learned.
  public var trigger = ""
  /// Pictures of the same kind that keep the model from forgetting what it knew: as many an update as the artist's own.
  public var prior: String?
  /// A text file with what the sheets show, a prompt a line; nil takes captions.
  public var prompts: String?
  /// Denoising steps of a picture on the sheets.
  public var sampleSteps = 10

  /// Each name with its default and what it does, as `atelier recipes lora` and the documents list them.
  static let described: [(name: String, value: String, note: String)] = [
    ("alpha", "", "How strong the LoRA is by itself: its change is multiplied by alpha / rank; the rank by default."),
    ("batch", "1", "Pictures an update, one after the other; 1 to 256."),
    ("caption-dropout", "0.1", "Share of pictures that are learned without words; 0 to 1."),
    (
      "gradient-checkpointing", "auto",
      "Compute again what gradients need, in place of keeping it: less memory, more time; true, false, or auto, where memory is short."
    ),
    ("min-snr", "5", "Weights of noise levels are cut at this signal-to-noise ratio; 0 weights all alike."),
    ("prior", "", "A folder of other pictures of the kind, learned beside, against forgetting."),
    ("prompts", "", "A text file with what the sheets show, a prompt a line, at most 8; captions by default."),
    ("rank", "16", "Smaller side of the factors: how much a LoRA can hold, and its file's size; 1 to 1024."),
    ("rate", "0.0001", "Learning rate of the UNet's factors, for AdamW."),
    ("sample-steps", "10", "Denoising steps of a picture on the sheets; 1 to 1000."),
    ("text-rate", "0", "Learning rate of the text encoders' factors; 0 leaves the text encoders as they are."),
    ("trigger", "", "A word before all captions, which calls what is learned."),
  ]

  public init() {}

  /// - Throws: `LargeError.unknownSetting` or `.badSetting`.
  public init(_ settings: [(name: String, value: String)]) throws(LargeError) {
    for (name, value) in settings {
      func number(_ range: ClosedRange<Double>, _ words: String) throws(LargeError) -> Double {
        guard let number = Double(value), range.contains(number) else {
          throw .badSetting(name, value: value, range: words)
        }
        return number
      }
      func whole(_ range: ClosedRange<Int>) throws(LargeError) -> Int {
        guard let number = Int(value), range.contains(number) else {
          throw .badSetting(name, value: value, range: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
      }
      switch name {
      case "rank": adapter.rank = try whole(1...1024)
      case "alpha": adapter.alpha = try number(1e-3...1e4, "a number above 0")
      case "rate": adapter.rate = try number(1e-9...1, "a number such as 1e-4")
      case "text-rate": adapter.textRate = try number(0...1, "0, or a number such as 5e-5")
      case "min-snr": adapter.minSNR = try number(0...1e6, "0 or more")
      case "caption-dropout": adapter.dropout = try number(0...1, "a number from 0 to 1")
      case "gradient-checkpointing":
        guard ["auto", "true", "false"].contains(value) else {
          throw .badSetting(name, value: value, range: "auto, true or false")
        }
        adapter.recomputes = value == "auto" ? nil : value == "true"
      case "batch": batch = try whole(1...256)
      case "trigger": trigger = value.trimmingCharacters(in: .whitespaces)
      case "prior": prior = value
      case "prompts": prompts = value
      case "sample-steps": sampleSteps = try whole(1...1000)
      default: throw .unknownSetting(name, known: Self.described.map(\.name))
      }
    }
  }
}

/// What the settings.json of a LoRA's run holds.
struct AdapterRecord: Codable, Equatable {
  static let format = "atelier lora 1"
  var format = Self.format
  let version: String
  /// As a run's, so that lists know what it is.
  var recipe = "lora"
  /// The large model: as it was named, and the SHA-256 of its weights.
  let base: String, baseHash: String
  /// Where the pictures were, how many could be used, and the SHA-256 of their contents.
  let pictures: String
  let count: Int
  let hash: String
  /// Buckets have as many pixels as a square of this side.
  let side: Int
  let ground: Ground
  let choices: AdapterChoices
  var plan: Plan

  /// - Throws: `RunError.noRun` or `.damaged`.
  init(folder: String) throws(RunError) {
    let path = folder + "/settings.json"
    guard FileManager.default.fileExists(atPath: path) else { throw .noRun(folder: folder) }
    guard let bytes = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(AdapterRecord.self, from: bytes), record.format == Self.format
    else { throw .damaged(path: path) }
    self = record
  }

  init(
    base: String, baseHash: String, pictures: String, _ packed: Packed, side: Int, ground: Ground,
    _ choices: AdapterChoices, _ plan: Plan
  ) {
    version = Product.version
    (self.base, self.baseHash) = (base, baseHash)
    (self.pictures, count, hash) = (pictures.absolutePath, packed.count, packed.hash)
    (self.side, self.ground, self.choices, self.plan) = (side, ground, choices, plan)
  }

  func write(to folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(Array(encoder.encode(self)), to: folder + "/settings.json", isForced: true)
  }

  /// Whether a folder is of such a run.
  static func isOne(_ folder: String) -> Bool { (try? AdapterRecord(folder: folder)) != nil }
}

/// The size at which a picture is learned: its shape, as many pixels as a square of a side, sides multiples of a step (aspect-ratio
/// bucketing, as NovelAI described it in 2022).
///
/// - Parameter step: 64 px for models of 512 px and more.
func bucket(for picture: PictureSize, side: Int, step: Int) -> PictureSize {
  let aspect = min(max(Double(picture.width) / Double(picture.height), 0.4), 2.5).squareRoot()
  func rounded(_ length: Double) -> Int { max(1, Int((length / Double(step)).rounded())) * step }
  return PictureSize(rounded(Double(side) * aspect), rounded(Double(side) / aspect))
}
