import Torch

/// Many pictures on one: a contact sheet, or a grid of samples.
public struct Sheet {
  public var columns: Int
  /// Size of a cell; nil takes one that the largest picture fits in.
  public var cell: PictureSize?
  /// Between cells and around, in pixels.
  public var margin = 2
  public var ground = Ground.white
  /// Height of the line for words under each picture, in pixels; 0 for none.
  public var labelHeight = 0

  /// - Parameter columns: nil makes the sheet about square.
  public init(columns: Int? = nil, for count: Int, cell: PictureSize? = nil, margin: Int = 2, ground: Ground = .white) {
    self.columns = columns ?? max(1, Int(Double(count).squareRoot().rounded(.up)))
    (self.cell, self.margin, self.ground) = (cell, margin, ground)
  }

  /// Of a sheet's sides, in pixels, at most: what graphics cards and browsers show.
  public static let longest = 16_384
  /// Of a sheet, at most: 192 MB in memory, twice that while it is written, and a few seconds.
  public static let mostPixels = 64_000_000

  /// How many pictures fit in one row.
  ///
  /// - Parameter size: of a picture.
  public static func columns(size: PictureSize, margin: Int = 2) -> Int { (longest - margin) / (size.width + margin) }

  /// How many rows of so many pictures fit; 0 where one is too long.
  public static func rows(of columns: Int, size: PictureSize, margin: Int = 2) -> Int {
    guard columns <= Self.columns(size: size, margin: margin) else { return 0 }
    let height = min(longest, mostPixels / (margin + columns * (size.width + margin)))
    return max(0, (height - margin) / (size.height + margin))
  }

  /// How many rows of as many columns fit on a sheet, one at least.
  public static func squareSide(of size: PictureSize, margin: Int = 2, pixels: Int = mostPixels) -> Int {
    func fits(_ count: Int) -> Bool {
      let width = margin + count * (size.width + margin), height = margin + count * (size.height + margin)
      return max(width, height) <= longest && width * height <= pixels
    }
    return max(1, stride(from: longest / (size.longer + margin), to: 1, by: -1).first(where: fits) ?? 1)
  }

  /// Draws the pictures row by row, each in the middle of its cell. Those larger than their cell are made smaller.
  ///
  /// - Parameter labels: words under each picture, as short as its cell is narrow; none where libvips has no text.
  /// - Returns: a picture with 3 channels.
  public func drawn(_ pictures: [Picture], labels: [String] = []) -> Picture {
    precondition(!pictures.isEmpty, "a sheet needs a picture")
    let size = PictureSize(pictures.map(\.width).max()!, pictures.map(\.height).max()!)
    var painter = SheetPainter(self, cells: pictures.count, size: size, isLabelled: !labels.isEmpty)
    for (i, picture) in pictures.enumerated() { painter.add(picture, label: i < labels.count ? labels[i] : nil) }
    return painter.drawn
  }
}

/// A sheet that is drawn as its pictures come, so that they needn't all be in memory.
public struct SheetPainter {
  private let sheet: Sheet
  private let across: Int
  private let cell: PictureSize, line: Int
  private let width: Int, height: Int
  private var bytes: [UInt8]
  private var count = 0

  /// - Parameters:
  ///   - cells: how many pictures come, at most.
  ///   - size: that the largest of them fits in; the sheet's own `cell` goes before. Where the sheet would be larger than
  ///     sheets may be, its cells are made smaller.
  public init(_ sheet: Sheet, cells: Int, size: PictureSize, isLabelled: Bool = false) {
    precondition(cells > 0, "a sheet needs a picture")
    let line = isLabelled ? sheet.labelHeight : 0, across = min(sheet.columns, cells)
    let down = (cells + across - 1) / across
    func whole(_ cell: PictureSize) -> PictureSize {
      PictureSize(
        sheet.margin + across * (cell.width + sheet.margin), sheet.margin + down * (cell.height + line + sheet.margin))
    }
    let wanted = sheet.cell ?? size
    let smaller = sequence(first: wanted.longer) { $0 - 1 }.lazy.map { longer in
      PictureSize(max(1, wanted.width * longer / wanted.longer), max(1, wanted.height * longer / wanted.longer))
    }
    let cell = smaller.first { cell in
      cell.longer == 1 || whole(cell).longer <= Sheet.longest && whole(cell).pixels <= Sheet.mostPixels
    }!
    (self.sheet, self.across, self.cell, self.line) = (sheet, across, cell, line)
    (width, height) = (whole(cell).width, whole(cell).height)
    bytes = Picture(width: width, height: height, of: sheet.ground).bytes
  }

  /// Draws the next picture.
  public mutating func add(_ picture: Picture, label: String? = nil) {
    let isLarge = picture.width > cell.width || picture.height > cell.height
    let fitted = isLarge ? picture.resampled(width: cell.width, height: cell.height, isFilled: false) : picture
    let left = sheet.margin + count % across * (cell.width + sheet.margin)
    let top = sheet.margin + count / across * (cell.height + line + sheet.margin)
    paint(fitted, x: left + (cell.width - fitted.width) / 2, y: top + (cell.height - fitted.height) / 2)
    if line > 0, let label, let words = written(label, width: cell.width, height: line) {
      paint(words, x: left + (cell.width - words.width) / 2, y: top + cell.height + (line - words.height) / 2)
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
