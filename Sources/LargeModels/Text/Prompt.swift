/// A prompt as artists write it, with weights in brackets and `BREAK` (the syntax of AUTOMATIC1111's web interface).
///
/// `(words)` counts 1.1 times, `[words]` 1/1.1 times, `(words:1.3)` 1.3 times; brackets nest and multiply; a backslash before a bracket
/// makes it a plain one. `BREAK` begins a new piece of 75 tokens.
public struct Prompt: Equatable, Sendable {
  /// Words of one weight.
  public struct Span: Equatable, Sendable {
    public var text: String
    public var weight: Double
    public init(_ text: String, _ weight: Double = 1) { (self.text, self.weight) = (text, weight) }
  }
  /// The spans between the `BREAK`s, at least one list.
  public let parts: [[Span]]

  /// - Parameter weighted: whether brackets and `BREAK` mean something; else the text is taken as it is.
  public init(_ text: String, weighted: Bool = true) {
    guard weighted else {
      parts = [[Span(text)]]
      return
    }
    parts = Reader(text).parts
  }

  /// Whether any words count more or less than others.
  public var isWeighted: Bool { parts.joined().contains { $0.weight != 1 } }
}

/// Reads a prompt letter by letter.
private struct Reader {
  private let letters: [Character]
  private var spans: [Prompt.Span] = []
  /// Where brackets were opened, by the spans before them.
  private var (round, square) = ([Int](), [Int]())
  /// Where `BREAK`s are, by the spans before them.
  private var breaks: [Int] = []
  private static let (more, less) = (1.1, 1 / 1.1)

  init(_ text: String) {
    letters = Array(text)
    read()
  }

  var parts: [[Prompt.Span]] {
    var (parts, begin) = ([[Prompt.Span]](), 0)
    for end in breaks + [spans.count] {
      // Neighbours of one weight are one span again.
      var part: [Prompt.Span] = []
      for span in spans[begin..<end] {
        if let last = part.last, last.weight == span.weight {
          part[part.count - 1].text += span.text
        } else {
          part.append(span)
        }
      }
      parts.append(part)
      begin = end
    }
    return parts.map { $0.isEmpty ? [Prompt.Span("")] : $0 }
  }

  private mutating func multiply(from start: Int, by factor: Double) {
    for i in start..<spans.count { spans[i].weight *= factor }
  }

  private mutating func read() {
    var (i, plain) = (0, "")
    func flushed(_ text: String, _ spans: inout [Prompt.Span], _ breaks: inout [Int]) {
      for (k, piece) in Self.split(text).enumerated() {
        if k > 0 { breaks.append(spans.count) }
        if !piece.isEmpty { spans.append(Prompt.Span(piece)) }
      }
    }
    func flush(_ spans: inout [Prompt.Span], _ breaks: inout [Int]) {
      flushed(plain, &spans, &breaks)
      plain = ""
    }
    while i < letters.count {
      switch letters[i] {
      case "\\" where i + 1 < letters.count && "()[]\\".contains(letters[i + 1]):
        plain.append(letters[i + 1])
        i += 1
      case "(":
        flush(&spans, &breaks)
        round.append(spans.count)
      case "[":
        flush(&spans, &breaks)
        square.append(spans.count)
      case ":" where !round.isEmpty:
        guard let (weight, end) = weight(after: i) else {
          plain.append(":")
          break
        }
        flush(&spans, &breaks)
        multiply(from: round.removeLast(), by: weight)
        i = end
      case ")" where !round.isEmpty:
        flush(&spans, &breaks)
        multiply(from: round.removeLast(), by: Self.more)
      case "]" where !square.isEmpty:
        flush(&spans, &breaks)
        multiply(from: square.removeLast(), by: Self.less)
      default: plain.append(letters[i])
      }
      i += 1
    }
    flush(&spans, &breaks)
    // What was never closed counts to the end.
    for start in round { multiply(from: start, by: Self.more) }
    for start in square { multiply(from: start, by: Self.less) }
  }

  /// The number of ":1.3)" and where its bracket is.
  private func weight(after colon: Int) -> (Double, Int)? {
    guard let end = letters[colon...].firstIndex(of: ")") else { return nil }
    let text = String(letters[(colon + 1)..<end]).filter { !$0.isWhitespace }
    guard !text.isEmpty, text.allSatisfy({ "+-.0123456789".contains($0) }), let weight = Double(text) else {
      return nil
    }
    return (weight, end)
  }

  /// The texts between words `BREAK`, with the white space around those gone.
  private static func split(_ text: String) -> [String] {
    text.split(separator: #/\s*\bBREAK\b\s*/#, omittingEmptySubsequences: false).map(String.init)
  }
}
