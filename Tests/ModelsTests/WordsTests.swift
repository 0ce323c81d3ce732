import Foundation
import Testing
import Torch
import Training

@testable import LargeModels
@testable import Models

/// A text-to-image model that is learned from pictures with captions.
@Suite struct WordsTests {
  private static let captions = [
    "a red circle", "a Blue square", "", "two green circles, one of them grey", "it's a yellow star", "a red circle",
  ]

  private static func settings() throws -> WordsSettings {
    var situation = Situation(pictures: 6, size: 16, channels: 3)
    situation.captions = captions
    var settings = try WordsSettings(for: situation, preset: nil)
    (settings.batch, settings.warmUp, settings.precision) = (2, 0, "float32")
    (settings.widths, settings.heads, settings.coderWidths) = ([8, 16], 2, [8, 8])
    (settings.textWidth, settings.textLayers, settings.textHeads) = (16, 2, 2)
    (settings.steps, settings.coding) = (3, 0.4)
    return settings
  }

  private static func recipe() throws -> WordsRecipe {
    var noise = Noise(seed: 1)
    let recipe = try WordsRecipe(settings(), noise: &noise, on: .cpu)
    recipe.take(captions: captions)
    return recipe
  }

  private static func set() -> PictureSet {
    var noise = Noise(seed: 5)
    let smooth = interpolate(noise.normal([6, 3, 4, 4]), size: [16, 16])
    return PictureSet(clamp(smooth * 60 + 128, min: 0, max: 255).to(.uint8))
  }

  /// Cut while the autoencoder learns, and after; the rest encodes its pictures anew.
  @Test func aRunGoesOnExactly() throws {
    let whole = try expectResumesExactly(Self.set(), pictures: 40, cuts: [10, 26]) { try Self.recipe() }
    let scale = whole.saved["latents"]!.savedTensors["scale"]!.item()
    #expect(scale > 0 && scale != 1)
    #expect(!whole.model.parts.keys.contains { $0.hasPrefix("optimizer") || $0 == "unet" })
    let many = whole.model.sample(seeds: Array(0..<20))
    #expect(many.shape == [20, 3, 16, 16] && many.allFinite && abs(many).max().item() <= 1)
    #expect(whole.model.sample(seeds: [17])[0].isEqual(to: many[17]))
  }

  /// Captions come out in CLIP's own pieces, whatever else the vocabulary lacks.
  @Test func theVocabularyIsAPartOfClips() throws {
    let clip = Tokenizer.clip(), vocabulary = Vocabulary(try Self.settings().merges)
    vocabulary.take(neededBy: Self.captions)
    let own = try vocabulary.tokenizer
    let merges = vocabulary.ranks.map { Tokenizer.clipMerges[$0].filter { $0 != " " } }
    /// A token's letters, by its number.
    func pieces(_ tokens: [Int], isOwn: Bool) -> [String] {
      let all = isOwn ? merges : Tokenizer.clipMerges.map { $0.filter { $0 != " " } }
      return tokens.map { $0 < 512 ? "byte \($0)" : all[$0 - 512] }
    }
    for caption in Self.captions {
      let found = own.tokens(of: caption)
      #expect(pieces(found, isOwn: true) == pieces(clip.tokens(of: caption), isOwn: false), "\(caption)")
    }
    #expect(merges.count < 60 && own.count == Vocabulary.letters + merges.count)
    // Any other text still has tokens.
    #expect(own.tokens(of: "zebra 日").allSatisfy { $0 < own.start })
    #expect(Tokenizer.numbers(merges: vocabulary.ranks.map { Tokenizer.clipMerges[$0] })["red</w>"] != nil)
    #expect(throws: TokenizerProblem.self) { try Tokenizer(ranks: [3, 2]) }
    #expect(throws: TokenizerProblem.self) { try Tokenizer(ranks: [1 << 40]) }
  }

  /// Some captions are left out, and some words; what is there stays in its order.
  @Test func wordsAreLeftOutNowAndThen() throws {
    var settings = try Self.settings()
    (settings.captionDropout, settings.wordDropout) = (0.25, 0.25)
    let vocabulary = Vocabulary(settings.merges)
    vocabulary.take(neededBy: Self.captions)
    let tokens = CaptionTokens(Self.captions, settings), own = try vocabulary.tokenizer
    var noise = Noise(seed: 3)
    let rows = tokens.rows(of: [Int](repeating: 0, count: 400), vocabulary, noise: &noise)
    #expect(rows.shape == [400, 77])
    let a = own.tokens(of: "a"), red = own.tokens(of: "red"), circle = own.tokens(of: "circle")
    var counts: [[Int]: Int] = [:]
    for row in rows.unbound() { counts[row.ints.dropFirst().filter { $0 < own.start }, default: 0] += 1 }
    let possible = [[], a, red, circle, a + red, a + circle, red + circle, a + red + circle]
    #expect(Set(counts.keys).isSubset(of: possible))
    // Whole: 0.75⁴ of 400 is 127; none: 0.25 + 0.75 · 0.25³ of 400 is 105. Deviations are below 10.
    #expect((87...167).contains(counts[a + red + circle] ?? 0) && (65...145).contains(counts[[]] ?? 0), "\(counts)")
  }

  @Test func settingsThatCannotBeAreRefused() throws {
    for (side, isPossible) in [(16, true), (20, false), (24, true), (64, true), (96, true), (520, false)] {
      let situation = Situation(pictures: 6, size: PictureSize(side), channels: 3)
      let made = try? WordsSettings(for: situation, preset: nil)
      #expect((made != nil) == isPossible, "\(side)")
    }
    for (name, value) in [
      ("widths", "12"), ("coder-widths", "8,8,8,8"), ("heads", "3"), ("text-heads", "5"), ("coding", "1"),
      ("channels", "1"), ("merges", "-1"), ("steps", "0"), ("word-dropout", "2"), ("precision", "half"),
    ] {
      let settings = try Self.settings().changed(by: [(name, value)], recipe: "words")
      #expect(throws: RecipeError.self, "\(name)") { try WordsModel(settings, on: .cpu) }
    }
  }
}
