/// Many pictures on one: a contact sheet, or a grid of samples.
public struct Sheet {
  public var columns: Int
  /// Side of a cell, in pixels; nil takes the largest picture's.
  public var cell: Int?
  /// Between cells and around, in pixels.
  public var margin = 2
  public var ground = Ground.white
  /// Height of the line for words under each picture, in pixels; 0 for none.
  public var labelHeight = 0

  /// - Parameter columns: nil makes the sheet about square.
  public init(columns: Int? = nil, for count: Int, cell: Int? = nil, margin: Int = 2, ground: Ground = .white) {
    self.columns = columns ?? max(1, Int(Double(count).squareRoot().rounded(.up)))
    (self.cell, self.margin, self.ground) = (cell, margin, ground)
  }

  /// Draws the pictures row by row, each in the middle of its cell. Those larger than their cell are made smaller.
  ///
  /// - Parameter labels: words under each picture, as short as its cell is narrow; none where libvips has no text.
  /// - Returns: a picture with 3 channels.
  public func drawn(_ pictures: [Picture], labels: [String] = []) -> Picture {
    precondition(!pictures.isEmpty, "a sheet needs a picture")
    let side = cell ?? pictures.map { max($0.width, $0.height) }.max()!
    let line = labels.isEmpty ? 0 : labelHeight
    let across = min(columns, pictures.count)
    let down = (pictures.count + across - 1) / across
    let width = margin + across * (side + margin)
    let height = margin + down * (side + line + margin)
    var bytes = Picture(width: width, height: height, of: ground).bytes
    for (i, picture) in pictures.enumerated() {
      let isLarge = picture.width > side || picture.height > side
      let fitted = isLarge ? picture.resampled(width: side, height: side, isFilled: false) : picture
      let left = margin + i % across * (side + margin)
      let top = margin + i / across * (side + line + margin)
      paint(fitted, into: &bytes, width, x: left + (side - fitted.width) / 2, y: top + (side - fitted.height) / 2)
      if line > 0, i < labels.count, let words = label(labels[i], width: side, height: line) {
        paint(words, into: &bytes, width, x: left + (side - words.width) / 2, y: top + side + (line - words.height) / 2)
      }
    }
    return Picture(width: width, height: height, channels: 3, bytes: bytes)
  }

  /// Words as black (white on a dark ground) with alpha, inside `width` by `height`.
  private func label(_ text: String, width: Int, height: Int) -> Picture? {
    let room = max(1, width * 10 / (6 * height))  // A letter is about 0.6 of its line's height wide.
    let short = text.count > room ? String(text.prefix(max(1, room - 1))) + "…" : text
    let escaped = short.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    // A line of text is about 1.5 times its letters' nominal height; 72 dots an inch make a point a pixel.
    guard let canvas = Canvas(words: escaped, font: "sans \(max(6, height * 2 / 3))", dpi: 72, width: 4 * width),
      canvas.width <= width, canvas.height <= height, let cover = canvas.pixels
    else { return nil }
    let ink: UInt8 = ground.grey < 128 ? 255 : 0
    return Picture(
      width: canvas.width, height: canvas.height, channels: 4, bytes: cover.flatMap { [ink, ink, ink, $0] })
  }

  private func paint(_ picture: Picture, into sheet: inout [UInt8], _ width: Int, x: Int, y: Int) {
    for row in 0..<picture.height {
      for column in 0..<picture.width {
        let from = (row * picture.width + column) * picture.channels
        let to = ((y + row) * width + x + column) * 3
        let alpha = picture.channels == 4 ? Int(picture.bytes[from + 3]) : 255
        for c in 0..<3 {
          let value = picture.bytes[picture.channels == 1 ? from : from + c]
          sheet[to + c] = mixed(value, over: sheet[to + c], alpha)
        }
      }
    }
  }
}
