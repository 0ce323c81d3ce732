import Torch

/// A rectangle of an upright picture, in parts of its sides: all of it is 0, 0, 1, 1.
public struct PicturePart: Hashable, Codable, Sendable {
  public let left: Double, top: Double, width: Double, height: Double

  /// - Returns: nil for what is no rectangle inside a picture.
  public init?(left: Double, top: Double, width: Double, height: Double) {
    let slack = 1e-6
    guard [left, top, width, height].allSatisfy(\.isFinite), left >= 0, top >= 0, width > 0, height > 0,
      left + width <= 1 + slack, top + height <= 1 + slack
    else { return nil }
    (self.left, self.top, self.width, self.height) = (left, top, width, height)
  }

  /// - Parameter text: four numbers with spaces between: left, top, width, height.
  public init?(_ text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    let numbers = words.compactMap { Double($0) }
    guard words.count == 4, numbers.count == 4 else { return nil }
    self.init(left: numbers[0], top: numbers[1], width: numbers[2], height: numbers[3])
  }

  /// Columns and rows of whole pixels, at least one of each.
  public func pixels(of size: PictureSize) -> (columns: Range<Int>, rows: Range<Int>) {
    func range(_ start: Double, _ length: Double, _ count: Int) -> Range<Int> {
      let first = min(count - 1, Int((start * Double(count)).rounded()))
      return first..<min(count, max(first + 1, Int(((start + length) * Double(count)).rounded())))
    }
    return (range(left, width, size.width), range(top, height, size.height))
  }

  /// Of this part of a picture, in pixels.
  public func size(of whole: PictureSize) -> PictureSize {
    let (columns, rows) = pixels(of: whole)
    return PictureSize(columns.count, rows.count)
  }
}

extension Picture {
  public func cut(to part: PicturePart) -> Picture {
    let (columns, rows) = part.pixels(of: size)
    guard columns.count < width || rows.count < height else { return self }
    var out: [UInt8] = []
    out.reserveCapacity(columns.count * rows.count * channels)
    for y in rows {
      out += bytes[(y * width + columns.lowerBound) * channels..<(y * width + columns.upperBound) * channels]
    }
    return Picture(width: columns.count, height: rows.count, channels: channels, bytes: out)
  }
}
