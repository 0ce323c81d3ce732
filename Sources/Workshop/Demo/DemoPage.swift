import Media

/// A page of A4 at 150 dots an inch: groups of pictures, each under its heading.
public struct DemoPage {
  static let width = 1240, height = 1754
  private static let cell = 128, margin = 4, columns = 8
  private var bytes = [UInt8](repeating: 255, count: width * height * 3)
  private var top = 20

  public init() {}

  /// Pictures that a group shows when `count` groups share the page.
  public static func capacity(groups count: Int) -> Int {
    ((height - 40) / count - 70) / (cell + margin) * columns
  }

  /// Adds a group below the others.
  public mutating func add(_ heading: String, _ pictures: [Picture]) {
    let left = (Self.width - Self.columns * (Self.cell + Self.margin)) / 2
    if let words = Picture(words: heading, size: 22) { paste(words, x: left, y: top + 16) }
    top += 56
    let cells = pictures.map { $0.resampled(width: Self.cell, height: Self.cell, isFilled: false) }
    let sheet = Sheet(columns: Self.columns, for: cells.count, cell: Self.cell, margin: Self.margin).drawn(cells)
    paste(sheet, x: left - Self.margin, y: top)
    top += sheet.height + 10
  }

  public var drawn: Picture { Picture(width: Self.width, height: Self.height, channels: 3, bytes: bytes) }

  /// What doesn't fit on the page is cut off.
  private mutating func paste(_ picture: Picture, x: Int, y: Int) {
    let visible = min(picture.width, Self.width - x) * 3
    for row in 0..<min(picture.height, Self.height - y) {
      let from = row * picture.width * 3, to = ((y + row) * Self.width + x) * 3
      bytes.replaceSubrange(to..<to + visible, with: picture.bytes[from..<from + visible])
    }
  }
}
