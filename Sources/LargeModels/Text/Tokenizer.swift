import Archives
import Foundation

/// CLIP's byte-level byte-pair tokenizer (Radford et al. 2021, section 2.4; Sennrich et al. 2016): text to the numbers that its text
/// encoders read.
///
/// ```swift
/// try Tokenizer.clip().tokens(of: "a photo")   // [320, 1125]
/// ```
public struct Tokenizer: Sendable {
  /// Begins every piece of text: 49406 in CLIP's own vocabulary.
  public let start: Int
  /// Ends it: 49407.
  public let end: Int
  /// How many tokens there are.
  public let count: Int

  /// The tokens of the 256 bytes, inside of a word and at its end.
  private let inside: [Int], last: [Int]
  /// Two tokens that become one, by both of their numbers; the lowest rank goes first.
  private let merges: [UInt64: Merge]
  private struct Merge { let rank, token: Int }

  /// A token's number by the two that it is made from.
  private static func pair(_ a: Int, _ b: Int) -> UInt64 { UInt64(a) << 32 | UInt64(b) }

  /// - Parameters:
  ///   - merges: a line each, "lo w</w>", the first rank first.
  ///   - vocabulary: each token's number. nil counts them as OpenAI's program does: bytes, bytes that end words, merges, start and end.
  /// - Throws: a reason, as the end of a sentence.
  init(merges lines: [Substring], vocabulary: [String: Int]? = nil) throws(TokenizerProblem) {
    let letters = Self.letters
    var numbers: [String: Int] = vocabulary ?? [:]
    if vocabulary == nil {
      numbers.reserveCapacity(lines.count + 514)
      // OpenAI's order: bytes that can be seen, then the others, by their letters' code points.
      let ordered = letters.indices.sorted { letters[$0].value < letters[$1].value }
      for (i, byte) in ordered.enumerated() {
        (numbers[String(letters[byte])], numbers["\(letters[byte])</w>"]) = (i, i + 256)
      }
    }
    func number(_ text: String) throws(TokenizerProblem) -> Int {
      guard let found = numbers[text] else { throw TokenizerProblem(why: "it has no token '\(text)'") }
      return found
    }
    var (inside, last) = ([Int](), [Int]())
    for letter in letters {
      inside.append(try number(String(letter)))
      last.append(try number("\(letter)</w>"))
    }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(lines.count)
    for (rank, line) in lines.enumerated() {
      let halves = line.split(separator: " ", omittingEmptySubsequences: false)
      guard halves.count == 2 else { throw TokenizerProblem(why: "line \(rank + 1) of its merges isn't two tokens") }
      let (a, b) = (try number(String(halves[0])), try number(String(halves[1])))
      if vocabulary == nil { numbers[String(halves[0] + halves[1])] = 512 + rank }
      merges[Self.pair(a, b)] = Merge(rank: rank, token: try number(String(halves[0] + halves[1])))
    }
    (self.inside, self.last, self.merges) = (inside, last, merges)
    start = numbers["<|startoftext|>"] ?? 512 + lines.count
    end = numbers["<|endoftext|>"] ?? 513 + lines.count
    count = max(numbers.values.max() ?? 0, end) + 1
  }

  /// OpenAI's vocabulary, which all published models of the families read here use.
  public static func clip() -> Tokenizer { bundled }

  private static let bundled = try! Tokenizer(merges: clipMerges)

  /// CLIP's merges, the first rank first.
  static let clipMerges: [Substring] = {
    let path = Bundle.module.path(forResource: "Vocabulary/clip-merges", ofType: "zip")
    guard let path, let bytes = try? Archive(path).read("merges.txt") else {
      fatalError("clip-merges.zip isn't beside the program: build it again")
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }()

  /// The token of a single letter inside of a word, such as "!", which is 0.
  func inner(of letter: String) -> Int? { letter.utf8.count == 1 ? inside[Int(letter.utf8.first!)] : nil }

  /// The tokens of a text of any length, without start and end.
  public func tokens(of text: String) -> [Int] { tokens(of: text) { _ in } }

  /// - Parameter onMerge: told the rank of each merge that is made on the way.
  func tokens(of text: String, onMerge: (Int) -> Void) -> [Int] {
    var (tokens, plain) = ([Int](), String.UnicodeScalarView())
    func flush() {
      words(of: String(plain)) { tokens += merged($0, onMerge) }
      plain = String.UnicodeScalarView()
    }
    // The two names of special tokens stand for them, before anything else is looked at.
    var rest = text.unicodeScalars[...]
    while let scalar = rest.first {
      if scalar == "<", let special = specialTokens.first(where: { rest.starts(with: $0) }) {
        flush()
        tokens.append(special == specialTokens[0] ? start : end)
        rest = rest.dropFirst(special.count)
      } else {
        plain.append(scalar)
        rest = rest.dropFirst()
      }
    }
    flush()
    return tokens
  }

  /// The tokens of one word, by merging the pair of lowest rank until none is left.
  private func merged(_ word: some Collection<UInt8>, _ onMerge: (Int) -> Void) -> [Int] {
    var symbols = word.map { inside[Int($0)] }
    guard let final = word.reversed().first else { return [] }
    symbols[symbols.count - 1] = last[Int(final)]
    while symbols.count > 1 {
      var best: Merge?
      for i in 1..<symbols.count {
        if let merge = merges[Self.pair(symbols[i - 1], symbols[i])], merge.rank < best?.rank ?? .max { best = merge }
      }
      guard let best else { break }
      onMerge(best.rank)
      // All places of that pair at once: a long word is read as often as it has different merges, not letters.
      var (next, i) = ([Int](), 0)
      next.reserveCapacity(symbols.count)
      while i < symbols.count {
        if i + 1 < symbols.count, merges[Self.pair(symbols[i], symbols[i + 1])]?.rank == best.rank {
          next.append(best.token)
          i += 2
        } else {
          next.append(symbols[i])
          i += 1
        }
      }
      symbols = next
    }
    return symbols
  }

  /// The letter that a vocabulary's file writes for each byte: itself where it can be seen, else one from 256 on.
  static let letters: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (UInt32(0)..<256).map { byte in
      let isSeen = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      defer { if !isSeen { next += 1 } }
      return Unicode.Scalar(isSeen ? byte : next)!
    }
  }()
}

/// Why a tokenizer's files can't be used.
struct TokenizerProblem: Error { let why: String }
