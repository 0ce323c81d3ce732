import Foundation
import Media
import Torch
import Training

/// Real pictures among made ones, by which an artist finds out whether they can tell them: numbered, in an order drawn by
/// chance, with the answers in a file of their own.
struct BlindSheet {
  let sheet: String
  /// Beside the sheet: "blind.png" has its answers in "blind-answers.txt".
  var answers: String { (sheet as NSString).deletingPathExtension + "-answers.txt" }
  private static let each = 8

  /// - Throws: `FileError`, `OutputError`, before there is anything to lose.
  init(_ path: String, isForced: Bool) throws {
    sheet = path.absolutePath
    try expectPicture(sheet, isForced: isForced)
    try expectWritable(answers, isForced: isForced)
  }

  /// - Parameters:
  ///   - made: pictures, in an order that is drawn by chance already or is nobody's.
  ///   - real: their names and pictures.
  /// - Throws: `FileError`, `PictureError`.
  func write(
    made: [(name: String, picture: Picture)], real: [(name: String, picture: Picture)], isForced: Bool
  ) throws {
    let all =
      made.prefix(Self.each).map { ($0.picture, "made (\($0.name))") }
      + real.prefix(Self.each).map { ($0.picture, "real (\($0.name))") }
    // Another order each time, or who has seen the answers once knows them.
    let order = all.shuffled()
    let largest = PictureSize(order.map(\.0.width).max() ?? 1, order.map(\.0.height).max() ?? 1)
    let cell = largest.enlarged(toAtLeast: 128)
    var layout = Sheet(columns: 4, for: order.count, cell: cell, margin: 8)
    layout.labelHeight = 24
    let pictures = order.map { picture, _ in
      // Both by the same pixels, so that size tells nothing.
      picture.resampled(width: cell.width, height: cell.height, isFilled: false)
    }
    try layout.drawn(pictures, labels: order.indices.map { "\($0 + 1)" })
      .write(sheet, text: [Provenance.sheet], source: .trainedAlgorithmicMedia, isForced: isForced)
    let lines = order.enumerated().map { "\($0 + 1): \($1.1)\n" }
    try AtomicFile.write(Array(lines.joined().utf8), to: answers, isForced: isForced)
  }
}
