/// Width and height of pictures in pixels, written "64" for a square and "192x128" for any other shape.
public struct PictureSize: Hashable, Sendable {
  public let width: Int, height: Int

  public init(_ width: Int, _ height: Int) { (self.width, self.height) = (width, height) }
  /// A square.
  public init(_ side: Int) { self.init(side, side) }
  /// Of pictures [..., H, W].
  public init(of pictures: Tensor) { self.init(pictures.size(-1), pictures.size(-2)) }

  public var isSquare: Bool { width == height }
  public var shorter: Int { min(width, height) }
  public var longer: Int { max(width, height) }
  public var pixels: Int { width * height }
  /// Width divided by height: above 1 for a wide picture.
  public var aspect: Double { Double(width) / Double(height) }
  /// The side of a square of as many pixels.
  public var meanSide: Double { Double(pixels).squareRoot() }
  /// The same shape, with a longer side of so many pixels where it has fewer.
  public func enlarged(toAtLeast side: Int) -> PictureSize {
    let times = max(1, Double(side) / Double(longer))
    return PictureSize(Int((Double(width) * times).rounded()), Int((Double(height) * times).rounded()))
  }
  /// [H, W], as tensors have it.
  public var shape: [Int] { [height, width] }

  public static func * (size: PictureSize, times: Int) -> PictureSize {
    PictureSize(size.width * times, size.height * times)
  }
  /// Rounded down.
  public static func / (size: PictureSize, parts: Int) -> PictureSize {
    PictureSize(size.width / parts, size.height / parts)
  }
  /// Doubled so many times.
  public static func << (size: PictureSize, times: Int) -> PictureSize {
    PictureSize(size.width << times, size.height << times)
  }
  /// Halved so many times, rounded down.
  public static func >> (size: PictureSize, times: Int) -> PictureSize {
    PictureSize(size.width >> times, size.height >> times)
  }
}

extension PictureSize: ExpressibleByIntegerLiteral {
  public init(integerLiteral side: Int) { self.init(side) }
}

extension PictureSize: LosslessStringConvertible {
  /// - Parameter description: "64" or "192x128"; nil where a side isn't 0 to 65,536.
  public init?(_ description: String) {
    let sides = description.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(sides.count), let width = sides[0], let height = sides.last!,
      (0...65_536).contains(width), (0...65_536).contains(height)
    else { return nil }
    self.init(width, height)
  }

  public var description: String { isSquare ? "\(width)" : "\(width)x\(height)" }
}

/// A number for a square, as files of before other shapes have it, else a string.
extension PictureSize: Codable {
  private enum Key: CodingKey { case width, height }

  public init(from decoder: any Decoder) throws {
    // Runs of before wrote the frames of sheets as an object.
    if let object = try? decoder.container(keyedBy: Key.self) {
      try self.init(object.decode(Int.self, forKey: .width), object.decode(Int.self, forKey: .height))
      return
    }
    let value = try decoder.singleValueContainer()
    if let side = try? value.decode(Int.self) {
      self.init(side)
    } else if let size = PictureSize(try value.decode(String.self)) {
      self = size
    } else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "no size of pictures")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if isSquare { try value.encode(width) } else { try value.encode(description) }
  }
}
