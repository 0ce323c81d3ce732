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

  /// Of a sheet's sides, in pixels, at most: what graphics cards and browsers show.
  public static let longest = 16_384
  /// Of a sheet, at most: 192 MB in memory, twice that while it is written, and a few seconds.
  public static let mostPixels = 64_000_000

  /// How many pictures fit in one row.
  ///
  /// - Parameter size: side of a picture, in pixels.
  public static func columns(size: Int, margin: Int = 2) -> Int { (longest - margin) / (size + margin) }

  /// How many rows of so many pictures fit; 0 where one is too long.
  public static func rows(of columns: Int, size: Int, margin: Int = 2) -> Int {
    guard columns <= Self.columns(size: size, margin: margin) else { return 0 }
    let height = min(longest, mostPixels / (margin + columns * (size + margin)))
    return max(0, (height - margin) / (size + margin))
  }

  /// How many pictures fit on a side of a square sheet, one at least.
  public static func squareSide(of size: Int, margin: Int = 2, pixels: Int = mostPixels) -> Int {
    max(1, (Int(Double(pixels).squareRoot()) - margin) / (size + margin))
  }

  /// Draws the pictures row by row, each in the middle of its cell. Those larger than their cell are made smaller.
  ///
  /// - Parameter labels: words under each picture, as short as its cell is narrow; none where libvips has no text.
  /// - Returns: a picture with 3 channels.
  public func drawn(_ pictures: [Picture], labels: [String] = []) -> Picture {
    precondition(!pictures.isEmpty, "a sheet needs a picture")
    let side = pictures.map { max($0.width, $0.height) }.max()!
    var painter = SheetPainter(self, cells: pictures.count, side: side, isLabelled: !labels.isEmpty)
    for (i, picture) in pictures.enumerated() { painter.add(picture, label: i < labels.count ? labels[i] : nil) }
    return painter.drawn
  }
}

/// A sheet that is drawn as its pictures come, so that they needn't all be in memory.
public struct SheetPainter {
  private let sheet: Sheet
  private let across: Int
  private let side: Int, line: Int
  private let width: Int, height: Int
  private var bytes: [UInt8]
  private var count = 0

  /// - Parameters:
  ///   - cells: how many pictures come, at most.
  ///   - side: of the largest of them, in pixels; the sheet's own `cell` goes before. Where the sheet would be larger than
  ///     sheets may be, its cells are made smaller.
  public init(_ sheet: Sheet, cells: Int, side: Int, isLabelled: Bool = false) {
    precondition(cells > 0, "a sheet needs a picture")
    let line = isLabelled ? sheet.labelHeight : 0, across = min(sheet.columns, cells)
    let down = (cells + across - 1) / across
    func size(_ side: Int) -> (width: Int, height: Int) {
      (sheet.margin + across * (side + sheet.margin), sheet.margin + down * (side + line + sheet.margin))
    }
    func isTooLarge(_ side: Int) -> Bool {
      let (width, height) = size(side)
      return max(width, height) > Sheet.longest || width * height > Sheet.mostPixels
    }
    var side = sheet.cell ?? side
    while side > 1 && isTooLarge(side) { side -= 1 }
    (self.sheet, self.across, self.side, self.line) = (sheet, across, side, line)
    (width, height) = size(side)
    bytes = Picture(width: width, height: height, of: sheet.ground).bytes
  }

  /// Draws the next picture.
  public mutating func add(_ picture: Picture, label: String? = nil) {
    let isLarge = picture.width > side || picture.height > side
    let fitted = isLarge ? picture.resampled(width: side, height: side, isFilled: false) : picture
    let left = sheet.margin + count % across * (side + sheet.margin)
    let top = sheet.margin + count / across * (side + line + sheet.margin)
    paint(fitted, x: left + (side - fitted.width) / 2, y: top + (side - fitted.height) / 2)
    if line > 0, let label, let words = written(label, width: side, height: line) {
      paint(words, x: left + (side - words.width) / 2, y: top + side + (line - words.height) / 2)
    }
    count += 1
  }

  /// With 3 channels.
  public var drawn: Picture { Picture(width: width, height: height, channels: 3, bytes: bytes) }

  /// Words as black (white on a dark ground) with alpha, inside `width` by `height`.
  private func written(_ text: String, width: Int, height: Int) -> Picture? {
    let room = max(1, width * 10 / (6 * height))  // A letter is about 0.6 of its line's height wide.
    let short = text.count > room ? String(text.prefix(max(1, room - 1))) + "…" : text
    let escaped = short.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    // A line of text is about 1.5 times its letters' nominal height; 72 dots an inch make a point a pixel.
    guard let canvas = Canvas(words: escaped, font: "sans \(max(6, height * 2 / 3))", dpi: 72, width: 4 * width),
      canvas.width <= width, canvas.height <= height, let cover = canvas.pixels
    else { return nil }
    let ink: UInt8 = sheet.ground.grey < 128 ? 255 : 0
    return Picture(
      width: canvas.width, height: canvas.height, channels: 4, bytes: cover.flatMap { [ink, ink, ink, $0] })
  }

  private mutating func paint(_ picture: Picture, x: Int, y: Int) {
    let channels = picture.channels, width = width
    bytes.withUnsafeMutableBufferPointer { sheet in
      picture.bytes.withUnsafeBufferPointer { pixels in
        for row in 0..<picture.height {
          for column in 0..<picture.width {
            let from = (row * picture.width + column) * channels
            let to = ((y + row) * width + x + column) * 3
            let alpha = channels == 4 ? Int(pixels[from + 3]) : 255
            for c in 0..<3 {
              sheet[to + c] = mixed(pixels[channels == 1 ? from : from + c], over: sheet[to + c], alpha)
            }
          }
        }
      }
    }
  }
}
