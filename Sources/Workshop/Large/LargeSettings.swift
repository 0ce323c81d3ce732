import Foundation
import LargeModels
import Torch

/// How a large model draws.
public struct LargeSettings: Sendable {
  public var negative = ""
  public var steps = 20  // Denoising steps; 1 to 1000.
  /// nil takes what the model's files say, else DPM-Solver++.
  public var sampler: Sampler?
  /// nil takes what the model's files say.
  public var spacing: Spacing?
  /// Classifier-free guidance; 1 and less is none. nil takes what the model's own file says, else 7.5.
  public var guidance: Double?
  /// The part of the guided answer's deviation that is brought back, for models with zero terminal SNR: 0...1.
  public var guidanceRescale = 0.0
  /// Layers of the text encoder left out beyond the model's own.
  public var clipSkip = 0
  public var loras: [WeightedLoRA] = []
  public var controls: [ControlChoice] = []
  /// float32 or bfloat16; nil takes what is faster here.
  public var precision: DType?
  /// Gigabytes; nil takes what the machine has.
  public var memory: Double?
  /// Of the network's answers, where its file says it wrongly or not at all.
  public var prediction: Prediction?

  public init() {}
}

/// A LoRA file and how much it counts, as written on a command line: `watercolour.safetensors:0.8`.
public struct WeightedLoRA: Sendable, Equatable {
  public let path: String
  public let weight: Double

  /// - Parameter words: a path, and after a colon a number; 1 without one.
  /// - Throws: `LargeError.badLoRA`.
  public init(_ words: String) throws(LargeError) {
    guard let colon = words.lastIndex(of: ":"), let weight = Double(words[words.index(after: colon)...]) else {
      (path, weight) = (words, 1)
      return
    }
    guard weight.isFinite, abs(weight) <= 10, colon > words.startIndex else { throw .badLoRA(words) }
    (path, self.weight) = (String(words[..<colon]), weight)
  }
}

/// Why a large model can't be used so.
public enum LargeError: Explained, Equatable {
  case badLoRA(String)
  case badControl(String)
  /// Of a drawing that begins with no picture.
  case edgesOfNothing
  case badNumber(option: String, value: Double, range: String)
  case noPrompt(String)
  case noPrompts(path: String)
  case unreadablePrompts(path: String)
  case badAlternatives(path: String, line: Int)
  case tooManyPrompts(path: String, most: Int)
  case tooLarge(PictureSize, most: Int)
  case tooSmall(PictureSize, least: Int)
  case unreadableCaption(path: String)
  case noBase
  case baseNotFound(String)
  case baseForInpainting(String)
  case unknownSetting(String, known: [String])
  case badSetting(String, value: String, range: String)
  case noWords

  public var sentence: String {
    switch self {
    case .badLoRA(let words):
      "--lora can't be '\(words)': give a file and a number from -10 to 10, such as watercolour.safetensors:0.8."
    case .badControl(let words):
      "--control can't be '\(words)': give a ControlNet and a picture or the word edges, perhaps a number up to 10 and a part of "
        + "the steps, such as canny.safetensors:edges or depth.safetensors:depth.png:0.8:0-0.6."
    case .edgesOfNothing:
      "Edges are found in the photo of `restyle`: give --control a picture of edges, or restyle the photo."
    case .badNumber(let option, let value, let range): "--\(option) can't be \(value): use a number \(range)."
    case .noPrompt(let name): "\(name) draws by words: say what by --prompt \"…\", or by --prompts FILE."
    case .noPrompts(let path): "\(path) has no prompt in it: write one on each line."
    case .unreadablePrompts(let path): "There is no text to read at \(path): give a text file in UTF-8."
    case .badAlternatives(let path, let line):
      "Line \(line) of \(path) has a { or } without the other: write alternatives as {red|blue}."
    case .tooManyPrompts(let path, let most):
      "The lines of \(path) make more than \(most) prompts: use fewer alternatives or lines."
    case .tooLarge(let size, let most):
      "Pictures of \(size.width) × \(size.height) px are too large: use at most \(most) px a side, then `atelier enlarge`."
    case .tooSmall(let size, let least):
      "Pictures of \(size.width) × \(size.height) px are too small: use \(least) px or more a side."
    case .unreadableCaption(let path): "The words in \(path) can't be read: save the file as text in UTF-8."
    case .noBase: "A LoRA is learned for a large model: name it by --base, a file, a folder or a name of `models add`."
    case .baseNotFound(let name):
      "\(name) is no large model: name a diffusers folder, a single file or a name of `models add` by --base."
    case .baseForInpainting(let name):
      "\(name) is for inpainting, which a LoRA isn't learned for: name a plain model by --base."
    case .unknownSetting(let name, let known):
      "The recipe lora has no setting '\(name)': use one of \(known.joined(separator: ", "))."
    case .badSetting(let name, let value, let range): "The setting \(name) can't be \(value): use \(range)."
    case .noWords:
      "No picture has words, so nothing could call what is learned: name it by --trigger WORD, or write NAME.txt beside NAME.png."
    }
  }
  public var exit: Exit {
    switch self {
    case .badLoRA, .badControl, .edgesOfNothing, .badNumber, .noPrompt, .badAlternatives, .tooManyPrompts, .tooLarge,
      .tooSmall, .noBase,
      .baseForInpainting, .unknownSetting, .badSetting, .noWords:
      .usage
    case .noPrompts, .unreadableCaption: .data
    case .unreadablePrompts, .baseNotFound: .missingInput
    }
  }
}

/// The prompts of a text file: one a line, with every combination of alternatives such as `a {red|blue} house`. Empty lines and lines that
/// begin with # are passed over.
///
/// - Throws: `LargeError`.
public func prompts(in path: String, most: Int = 1000) throws(LargeError) -> [String] {
  guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8) else {
    throw .unreadablePrompts(path: path)
  }
  var found: [String] = []
  for (i, line) in text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
    .enumerated()
  {
    let line = line.trimmingCharacters(in: .whitespaces)
    guard !line.isEmpty, !line.hasPrefix("#") else { continue }
    guard let all = alternatives(line, most: most) else { throw .badAlternatives(path: path, line: i + 1) }
    found += all
    guard found.count <= most else { throw .tooManyPrompts(path: path, most: most) }
  }
  guard !found.isEmpty else { throw .noPrompts(path: path) }
  return found
}

/// Every combination of a line's alternatives, the first ones first; `{a|b}` may stand in another.
///
/// - Parameter most: more than that are cut off.
/// - Returns: nil where a brace has no partner.
func alternatives(_ line: String, most: Int) -> [String]? {
  var rest = Array(line)[...]
  let all = combinations(&rest, isInside: false, most: most)
  return rest.isEmpty ? all?.first : nil
}

/// The texts of each alternative up to the brace that ends them, or to the line's end.
private func combinations(_ rest: inout ArraySlice<Character>, isInside: Bool, most: Int) -> [[String]]? {
  var parts = [[""]]
  while let letter = rest.first {
    switch letter {
    case "}":
      return isInside ? parts : nil
    case "|" where isInside:
      rest.removeFirst()
      parts.append([""])
    case "{":
      rest.removeFirst()
      guard let inner = combinations(&rest, isInside: true, most: most), rest.first == "}" else { return nil }
      rest.removeFirst()
      let last = parts.count - 1
      // One more than may be, so that too many are noticed.
      parts[last] = Array(parts[last].flatMap { begun in inner.joined().map { begun + $0 } }.prefix(most + 1))
    default:
      rest.removeFirst()
      let last = parts.count - 1
      for i in parts[last].indices { parts[last][i].append(letter) }
    }
  }
  return isInside ? nil : parts
}
