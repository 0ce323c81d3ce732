import Torch

/// The captions of a run's pictures as tokens, with words left out now and then.
final class CaptionTokens {
  /// The words of each picture's caption.
  private let captions: [[String]]
  private let dropout: (caption: Double, word: Double)
  private var known: [String: [Int]] = [:]
  private var current: (ranks: [Int], tokenizer: Tokenizer)?

  init(_ captions: [String], _ settings: WordsSettings) {
    self.captions = captions.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    dropout = (settings.captionDropout, settings.wordDropout)
  }

  /// Rows of tokens, int64 [pictures, 77]; some captions without some of their words, and some without any (Ho and Salimans 2022,
  /// algorithm 1).
  ///
  /// - Parameters:
  ///   - pictures: their numbers in the set.
  ///   - vocabulary: a checkpoint's, which may have come after the captions.
  func rows(of pictures: [Int], _ vocabulary: Vocabulary, noise: inout Noise) -> Tensor {
    let tokenizer = tokenizer(of: vocabulary)
    var left = pictures[...]
    let drawn = noise.each(pictures.count) { noise in noise.uniform([1 + PromptPieces.room]).floats }
    let rows = drawn.map { chances -> [Int] in
      let words = captions[left.removeFirst()]
      guard Double(chances[0]) >= dropout.caption else { return row([], tokenizer) }
      // Words beyond the piece can't be seen anyway.
      let kept = zip(words, chances.dropFirst()).filter { Double($1) >= dropout.word }.map(\.0)
      return row(kept.flatMap { tokens(of: $0, tokenizer) }, tokenizer)
    }
    return Tensor(rows.flatMap { $0 }, shape: [rows.count, PromptPieces.room + 2])
  }

  private func tokenizer(of vocabulary: Vocabulary) -> Tokenizer {
    let ranks = vocabulary.ranks
    if let current, current.ranks == ranks { return current.tokenizer }
    known = [:]
    // A checkpoint's were looked at when it was opened; those of captions are CLIP's.
    let made = (try? Tokenizer(ranks: ranks)) ?? (try! Tokenizer(ranks: []))
    current = (ranks, made)
    return made
  }

  /// A word's tokens don't depend on those beside it.
  private func tokens(of word: String, _ tokenizer: Tokenizer) -> [Int] {
    if let found = known[word] { return found }
    let made = tokenizer.tokens(of: word)
    known[word] = made
    return made
  }
}
