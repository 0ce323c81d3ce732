import Foundation
import Networks
import Torch

/// A published model as it lies on the disk: what its networks are built from, and their weights, mapped into memory and read when they are
/// used.
///
/// ```swift
/// let model = try LargeModel("v1-5-pruned-emaonly.safetensors")
/// print(model.family, model.notes.map(\.sentence))
/// ```
public struct LargeModel {
  public enum Family: String, Sendable {
    case sd1 = "SD 1.x"
    case sd2 = "SD 2.x"
    case sdxl = "SDXL"
  }
  /// A network's configuration and weights, by diffusers' names.
  public struct Part<Configuration> {
    public var configuration: Configuration
    var weights: [String: Tensor]
    /// Bytes of the weights on the disk.
    public var bytes: Int { weights.values.reduce(0) { $0 + $1.count * $1.dtype.byteCount } }
    /// The precision of most weights.
    public var precision: DType? {
      Dictionary(grouping: weights.values, by: \.dtype).max { $0.value.count < $1.value.count }?.key
    }
  }
  /// A text encoder and how it is used.
  public struct Text {
    public var part: Part<TextConfiguration>
    public var tokenizer: Tokenizer
    /// The token that fills up short texts: 49407 for CLIP-L, 0 for OpenCLIP's encoders.
    var padding: Int
    /// How many of the last layers are left out: 1 in SDXL.
    var skipping: Int
    /// Whether the last normalisation follows.
    var normalises: Bool
  }

  public let path: String
  public internal(set) var family: Family
  public internal(set) var unet: Part<UNetConfiguration>
  public internal(set) var vae: Part<AutoencoderConfiguration>
  public internal(set) var texts: [Text]
  public internal(set) var schedule: NoiseSchedule
  /// The classifier-free guidance that suits it, where its file says so; published models say nothing.
  public internal(set) var guidance: Double?
  /// Whether SDXL's empty negative prompt is zeros in place of an empty text.
  var zerosForEmptyPrompt = true
  /// What was assumed, and what isn't used.
  public internal(set) var notes: [LargeModelNote] = []
}

extension LargeModel {
  /// - Parameters:
  ///   - path: a diffusers folder, a single file with the original names, or a checkpoint of the recipe words.
  ///   - prediction: of what the network answers, where the file says it wrongly or not at all.
  /// - Throws: `LargeModelError`, `SafetensorsError`, `CheckpointFileError`.
  public init(_ path: String, prediction: Prediction? = nil) throws {
    try self.init(path, prediction: prediction, tokenizer: nil)
  }

  /// - Parameter tokenizer: of a single file, when it isn't CLIP's own.
  init(_ path: String, prediction: Prediction? = nil, tokenizer: Tokenizer?) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw LargeModelError.missing(path: path)
    }
    if isFolder.boolValue {
      self = try Self.folder(path)
    } else if let facts = try? Safetensors.metadata(path), Self.isOwn(facts) {
      self = try Self.own(path)
    } else {
      self = try Self.single(path, tokenizer ?? .clip())
    }
    if let prediction {
      schedule.prediction = prediction
      notes.removeAll { if case .assumed = $0 { true } else { false } }
    }
    try check()
  }

  /// Whether masks are told to the network itself.
  public var isForInpainting: Bool { unet.configuration.inputs == 9 }

  /// Compares every part with its network: a missing tensor is an error, one that isn't used is noted.
  private mutating func check() throws {
    guard [4, 9].contains(unet.configuration.inputs) else {
      let kind = unet.configuration.inputs == 8 ? "pictures as instructions" : "\(unet.configuration.inputs) inputs"
      throw LargeModelError.unsupported(path: path, what: kind)
    }
    unet.weights = try checked(unet.weights, UNet2DCondition(unet.configuration), "UNet")
    vae.weights = try checked(vae.weights, AutoencoderKL(vae.configuration), "autoencoder")
    for i in texts.indices {
      let part = texts[i].part
      texts[i].part.weights = try checked(part.weights, TextEncoder(part.configuration), "text encoder")
      let (mine, theirs) = (texts[i].part.configuration.vocabulary, texts[i].tokenizer.count)
      guard theirs <= mine else {
        throw LargeModelError.unsupported(
          path: path, what: "a text encoder of \(mine) tokens, where the vocabulary has \(theirs)")
      }
    }
    let told = texts.reduce(0) { $0 + $1.part.configuration.width }
    guard told == unet.configuration.context else {
      throw LargeModelError.damaged(
        path: path, why: "its UNet reads texts of width \(unet.configuration.context), its encoders make \(told)")
    }
    guard vae.configuration.latents == unet.configuration.outputs else {
      throw LargeModelError.damaged(path: path, why: "its autoencoder and its UNet have latents of different kinds")
    }
  }

  private mutating func checked(
    _ weights: [String: Tensor], _ network: some Module, _ part: String
  ) throws -> [String: Tensor] {
    var weights = weights
    let unused = try fitting(&weights, network, path: path, part: part)
    if !unused.isEmpty { notes.append(.unused(part: part, names: unused)) }
    return weights
  }
}

/// Takes out of `weights` what the network has no place for.
///
/// - Returns: the names of that, in order.
/// - Throws: `LargeModelError` where a tensor is missing or has another shape.
func fitting(
  _ weights: inout [String: Tensor], _ network: some Module, path: String, part: String
) throws(LargeModelError) -> [String] {
  var rest = weights
  for (name, mine) in network.state {
    guard let theirs = rest.removeValue(forKey: name) else {
      throw .missingTensor(path: path, part: part, name: name)
    }
    guard theirs.shape == mine.shape else {
      // 1 × 1 convolutions and linear maps are the same numbers.
      guard theirs.count == mine.count, theirs.shape.filter({ $0 != 1 }) == mine.shape.filter({ $0 != 1 }) else {
        throw .wrongShape(path: path, name: name, found: theirs.shape, needed: mine.shape)
      }
      weights[name] = theirs.reshaped(mine.shape)
      continue
    }
  }
  for name in rest.keys { weights[name] = nil }
  return rest.keys.sorted()
}

/// What an artist should know about how a model was read.
public enum LargeModelNote: Equatable, Sendable {
  /// What the file doesn't say.
  case assumed(String)
  /// Tensors that nothing needs.
  case unused(part: String, names: [String])

  public var sentence: String {
    switch self {
    case .assumed(let what): what
    case .unused(let part, let names):
      names.count == 1
        ? "One tensor of the \(part) isn't used: \(names[0])."
        : "\(names.count) tensors of the \(part) aren't used: \(names.prefix(3).joined(separator: ", "))"
          + (names.count > 3 ? " and others." : ".")
    }
  }
}
