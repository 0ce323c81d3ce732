import Foundation
import TestSupport
import Testing

@testable import LargeModels

/// CLIP's tokenizer beside transformers' (Tests/Goldens/large/tokens.py).
@Suite struct TokenizerTests {
  private static let golden: [(text: String, tokens: [Int])] = {
    let data = try! Data(contentsOf: URL(fileURLWithPath: Checkout.path("Tests/Goldens/large/tokens.json")))
    let rows = try! JSONSerialization.jsonObject(with: data) as! [[Any]]
    return rows.map { ($0[0] as! String, $0[1] as! [Int]) }
  }()

  @Test func aThousandStringsHaveTransformersTokens() {
    let tokenizer = Tokenizer.clip()
    #expect(tokenizer.count == 49408 && tokenizer.start == 49406 && tokenizer.end == 49407)
    #expect(Self.golden.count > 1000)
    for (text, tokens) in Self.golden {
      let mine = tokenizer.tokens(of: text)
      #expect(mine == tokens, "\(text.debugDescription)")
    }
  }

  @Test func aWordOfAHundredThousandLettersEnds() {
    let tokens = Tokenizer.clip().tokens(of: String(repeating: "ab", count: 50_000))
    #expect(tokens.count > 1000 && tokens.allSatisfy { (0..<49406).contains($0) })
  }

  @Test func weightsAreReadAsArtistsWriteThem() {
    func spans(_ text: String) -> [Prompt.Span] { Prompt(text).parts.flatMap { $0 } }
    #expect(spans("plain") == [.init("plain")])
    #expect(spans("a (b) c") == [.init("a "), .init("b", 1.1), .init(" c")])
    #expect(spans("(a (b:1.5)") == [.init("a ", 1.1), .init("b", 1.5 * 1.1)])
    #expect(spans("[a]") == [.init("a", 1 / 1.1)])
    #expect(spans(#"\(a\) b:c"#) == [.init("(a) b:c")])
    #expect(spans("(a:b)") == [.init("a:b", 1.1)])
    #expect(spans(")") == [.init(")")])
    #expect(spans("") == [.init("")])
    #expect(spans("(a: 0.5 )") == [.init("a", 0.5)])
    #expect(Prompt("a BREAK (b BREAK c:2)").parts == [[.init("a")], [.init("b", 2)], [.init("c", 2)]])
    #expect(Prompt("BREAKFAST").parts == [[.init("BREAKFAST")]])
    #expect(Prompt("(a) BREAK", weighted: false).parts == [[.init("(a) BREAK")]])
  }

  @Test func longPromptsAreCutIntoPiecesOf75AndBreakFillsOneUp() {
    let tokenizer = Tokenizer.clip()
    let long = PromptPieces(Prompt(String(repeating: "cat ", count: 80)), tokenizer)
    #expect(long.pieces.map(\.count) == [75, 5])
    let rows = long.rows(tokenizer, padding: 49407)
    #expect(rows.allSatisfy { $0.count == 77 && $0[0] == 49406 })
    #expect(rows[1][6] == 49407 && rows[1][76] == 49407 && rows[0][76] == 49407 && rows[0][75] == 2368)
    #expect(PromptPieces(Prompt("cat BREAK dog"), tokenizer).pieces.map(\.count) == [1, 1])
    #expect(
      PromptPieces(Prompt(""), tokenizer).rows(tokenizer, padding: 0) == [
        [49406, 49407] + [Int](repeating: 0, count: 75)
      ])
  }
}
