import Media
import Torch

/// The sheet of a set of seeds: all of them, or as many as fit, at equal distances.
struct SeedSheet {
  private let step: Int, count: Int
  private var next = 0
  private(set) var painter: SheetPainter

  /// - Parameters:
  ///   - count: of all pictures.
  ///   - picture: the first of them; the others are as large.
  init(of count: Int, like picture: Picture, on ground: Ground, pixels: Int = Sheet.mostPixels) {
    let onSide = Sheet.squareSide(of: picture.size, pixels: pixels)
    self.count = count
    step = (count + onSide * onSide - 1) / (onSide * onSide)
    let shown = (count + step - 1) / step
    painter = SheetPainter(Sheet(for: shown, ground: ground), cells: shown, size: picture.size)
  }

  mutating func add(_ picture: Picture) {
    if next.isMultiple(of: step) { painter.add(picture) }
    next += 1
  }

  /// Which pictures are on it; nil for all.
  var shows: String? {
    step == 1 ? nil : "one of every \(grouped(step)) of \(counted(count, "picture"))"
  }
}

/// Before anything is made.
///
/// - Parameter size: of a picture.
/// - Throws: `GenerateError.mapTooLarge`, `.walkTooLong`, `.tooManyWalks`, `.mixTooLarge`.
func checkSheets(of size: PictureSize, for request: GenerateRequest) throws(GenerateError) {
  if let side = request.map, side > Sheet.squareSide(of: size, margin: 0) {
    throw .mapTooLarge(side, size: size, most: Sheet.squareSide(of: size, margin: 0))
  }
  if let walks = request.interpolate?.pairs.count {
    let most = Sheet.rows(of: request.steps, size: size)
    if most == 0 { throw .walkTooLong(request.steps, size: size, most: Sheet.columns(size: size)) }
    if walks > most { throw .tooManyWalks(walks, steps: request.steps, size: size, most: most) }
  }
  if let mix = request.mix {
    let (rows, columns) = (mix.coarse.values.count, mix.fine.values.count)
    // The first row and column are what is mixed.
    if rows + 1 > Sheet.rows(of: columns + 1, size: size) {
      throw .mixTooLarge(rows, columns, size: size, most: Sheet.squareSide(of: size) - 1)
    }
  }
}
