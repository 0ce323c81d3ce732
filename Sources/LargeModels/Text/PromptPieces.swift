/// A prompt cut into pieces that a text encoder reads one by one: CLIP sees 77 tokens, start and end among them.
struct PromptPieces {
  /// Tokens between start and end, at most 75 a piece, and how much each counts.
  private(set) var pieces: [[(token: Int, weight: Double)]] = []

  static let room = 75

  init(_ prompt: Prompt, _ tokenizer: Tokenizer) {
    for part in prompt.parts {
      let tokens = part.flatMap { span in tokenizer.tokens(of: span.text).map { (token: $0, weight: span.weight) } }
      if tokens.isEmpty { pieces.append([]) }
      for begin in stride(from: 0, to: tokens.count, by: Self.room) {
        pieces.append(Array(tokens[begin..<min(begin + Self.room, tokens.count)]))
      }
    }
  }

  /// So many pieces, the new ones empty.
  mutating func fill(to count: Int) {
    while pieces.count < count { pieces.append([]) }
  }

  /// A row of 77 a piece: start, tokens, end, and `padding` up to the length.
  func rows(_ tokenizer: Tokenizer, padding: Int) -> [[Int]] {
    pieces.map { piece in
      let row = [tokenizer.start] + piece.map(\.token) + [tokenizer.end]
      return row + [Int](repeating: padding, count: Self.room + 2 - row.count)
    }
  }

  /// How much each place of `rows` counts.
  var weights: [[Double]] {
    pieces.map { piece in
      let row = [1] + piece.map(\.weight)
      return row + [Double](repeating: 1, count: Self.room + 2 - row.count)
    }
  }
}
