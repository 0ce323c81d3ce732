import Networks
import Torch

/// The part of CLIP's vocabulary that captions need: its letters, and the merges by which their words are put together.
///
/// Any text can be encoded by it. Captions come out in the pieces in which CLIP has them: a merge that CLIP makes on the way to a caption's
/// word is there, and none that is there would come before it.
public final class Vocabulary: Module {
  /// The ranks of the merges in CLIP's list, rising; -1 where there are fewer: int32 [merges], one at least.
  let merges: Tensor

  /// Tokens without merges: 256 bytes inside of words, as many at their ends, start and end.
  static let letters = 514

  init(_ merges: Int) { self.merges = Tensor.full([max(1, merges)], -1).to(.int32) }

  /// Ranks of the merges that CLIP makes in some texts, rising.
  static func merges(neededBy texts: [String]) -> [Int] {
    var found: Set<Int> = []
    for text in texts { _ = Tokenizer.clip().tokens(of: text) { found.insert($0) } }
    return found.sorted()
  }

  /// The ranks that are there.
  var ranks: [Int] { merges.to(.int64).ints.filter { $0 >= 0 } }

  /// Takes what texts need, the first ranks where there isn't room for all. Halves of a merge have lower ranks than itself.
  func take(neededBy texts: [String]) {
    let ranks = Self.merges(neededBy: texts).prefix(merges.count)
    let filled = Array(ranks) + [Int](repeating: -1, count: merges.count - ranks.count)
    withoutGradients { merges.copy(from: Tensor(filled).to(.int32)) }
  }

  /// - Throws: `TokenizerProblem` where the ranks of a file can't be CLIP's.
  var tokenizer: Tokenizer { get throws(TokenizerProblem) { try Tokenizer(ranks: ranks) } }
}

extension Tokenizer {
  /// - Parameter ranks: of some of CLIP's merges, rising.
  /// - Throws: a reason, as the end of a sentence.
  init(ranks: [Int]) throws(TokenizerProblem) { try self.init(merges: Self.lines(ranks)) }

  static func lines(_ ranks: [Int]) throws(TokenizerProblem) -> [Substring] {
    let all = clipMerges
    guard zip(ranks, ranks.dropFirst()).allSatisfy(<), ranks.allSatisfy(all.indices.contains) else {
      throw TokenizerProblem(why: "its vocabulary isn't a part of CLIP's")
    }
    return ranks.map { all[$0] }
  }

  /// The numbers of the tokens that some of CLIP's merges make, as vocab.json has them.
  static func numbers(merges lines: [Substring]) -> [String: Int] {
    var numbers: [String: Int] = [:]
    for (i, letter) in letters.sorted(by: { $0.value < $1.value }).enumerated() {
      (numbers[String(letter)], numbers["\(letter)</w>"]) = (i, i + 256)
    }
    for (i, line) in lines.enumerated() { numbers[String(line.filter { $0 != " " })] = 512 + i }
    (numbers["<|startoftext|>"], numbers["<|endoftext|>"]) = (512 + lines.count, 513 + lines.count)
    return numbers
  }
}

/// Captions as rows of tokens that a model knows by heart: what it draws where nobody says what.
public final class KnownCaptions: Module {
  /// Rows with start, end and filling: int32 [256, 77].
  let rows: Tensor

  static let count = 256, length = PromptPieces.room + 2

  init() { rows = Tensor.zeros([Self.count, Self.length]).to(.int32) }

  /// Takes some of the captions by chance, the same ones each time, each once before one comes again.
  func take(_ captions: [String], _ tokenizer: Tokenizer) {
    var seen: Set<String> = []
    let all = captions.filter { !$0.isEmpty && seen.insert($0).inserted }
    guard !all.isEmpty else { return }
    var noise = Noise(seed: 0)
    let order = noise.permutation(all.count)
    let chosen = (0..<Self.count).map { row(tokenizer.tokens(of: all[order[$0 % all.count]]), tokenizer) }
    withoutGradients { rows.copy(from: Tensor(chosen.flatMap { $0 }, shape: rows.shape).to(.int32)) }
  }

  /// The rows of seeds, int64 [seeds, 77].
  func rows(of seeds: [UInt64]) -> Tensor {
    rows.indexSelected(dim: 0, indices: Tensor(seeds.map { Int($0 % UInt64(Self.count)) })).to(.int64)
  }
}

/// Start, at most 75 tokens, end, and ends up to the length of 77.
func row(_ tokens: [Int], _ tokenizer: Tokenizer) -> [Int] {
  let row = [tokenizer.start] + tokens.prefix(PromptPieces.room) + [tokenizer.end]
  return row + [Int](repeating: tokenizer.end, count: PromptPieces.room + 2 - row.count)
}
