import Media
import Torch

/// What files say about their making, in PNG text: the words that all verbs write.
extension Provenance {
  typealias Words = [(key: String, value: String)]

  /// Which program made the pixels, and by which library.
  static var software: (key: String, value: String) {
    ("Software", "\(Product.title), LibTorch \(LibTorch.version)")
  }

  /// Which program laid out a sheet.
  static var sheet: (key: String, value: String) { ("Software", Product.title) }

  /// Which program joined a film, in its metadata.
  static var encoder: (key: String, value: String) { ("encoder", Product.title) }

  /// The run, and the very file of its weights.
  static func words(of generator: Generator) -> Words {
    [("Run", generator.shownName), ("Checkpoint", "sha256:\(generator.hash)")]
  }
}
