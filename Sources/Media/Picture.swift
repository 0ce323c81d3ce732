import Torch

/// A picture in memory: bytes in sRGB, rows from the top, the channels of a pixel side by side.
public struct Picture: Equatable, Sendable {
  public let width: Int
  public let height: Int
  /// 1 for grey, 3 for RGB, 4 for RGB and straight alpha.
  public let channels: Int
  /// [height, width, channels].
  public let bytes: [UInt8]
  public var size: PictureSize { PictureSize(width, height) }

  /// - Parameter bytes: [height, width, channels], rows from the top.
  public init(width: Int, height: Int, channels: Int, bytes: [UInt8]) {
    precondition([1, 3, 4].contains(channels), "a picture has 1, 3 or 4 channels, not \(channels)")
    precondition(
      width > 0 && height > 0 && bytes.count == width * height * channels,
      "\(bytes.count) bytes aren't \(width) by \(height) by \(channels)")
    (self.width, self.height, self.channels, self.bytes) = (width, height, channels, bytes)
  }

  /// One colour all over.
  public init(width: Int, height: Int, of ground: Ground, channels: Int = 3) {
    let pixel = ground.pixel(channels: channels)
    var bytes = [UInt8](repeating: pixel[0], count: width * height * channels)
    if !pixel.allSatisfy({ $0 == pixel[0] }) {
      for i in bytes.indices { bytes[i] = pixel[i % channels] }
    }
    self.init(width: width, height: height, channels: channels, bytes: bytes)
  }

  /// - Parameter tensor: [C, H, W] with 1, 3 or 4 channels; uint8, or floating point in -1...1 (clamped, rounded).
  public init(_ tensor: Tensor) {
    precondition(tensor.rank == 3, "a picture is [C, H, W], not \(tensor.shape)")
    let pixels =
      tensor.dtype == .uint8
      ? tensor : clamp((tensor.to(.float32) + 1) * 127.5 + 0.5, min: 0, max: 255).to(.uint8)  // to(.uint8) cuts off.
    self.init(
      width: tensor.size(2), height: tensor.size(1), channels: tensor.size(0),
      bytes: pixels.to(.cpu).permuted([1, 2, 0]).contiguous().bytes)
  }

  /// Whether a pixel lets through what is behind it.
  public var isSeenThrough: Bool {
    channels == 4 && stride(from: 3, to: bytes.count, by: 4).contains { bytes[$0] < 255 }
  }

  /// RGBA bytes with no colour where nothing is seen, so that none that is hidden in a file has a say in anything.
  static func cleared(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for i in stride(from: 3, to: bytes.count, by: 4) where bytes[i] == 0 {
      (bytes[i - 3], bytes[i - 2], bytes[i - 1]) = (0, 0, 0)
    }
    return bytes
  }

  /// The same picture with no colour where nothing is seen.
  public var cleared: Picture {
    channels == 4 ? Picture(width: width, height: height, channels: 4, bytes: Self.cleared(bytes)) : self
  }

  /// uint8 [C, H, W].
  public var tensor: Tensor { Tensor(bytes, shape: [height, width, channels]).permuted([2, 0, 1]).contiguous() }

  /// The same pixels as [C, H, W], the order of a packed set.
  public var planes: [UInt8] {
    guard channels > 1 else { return bytes }
    let count = width * height
    return [UInt8](unsafeUninitializedCapacity: bytes.count) { out, filled in
      bytes.withUnsafeBufferPointer { pixels in
        for c in 0..<channels {
          for i in 0..<count { out[c * count + i] = pixels[i * channels + c] }
        }
      }
      filled = bytes.count
    }
  }

  /// Without alpha, on this ground.
  public func flattened(on ground: Ground) -> Picture {
    guard channels == 4 else { return self }
    let under = ground.pixel(channels: 3)
    var out = [UInt8]()
    out.reserveCapacity(width * height * 3)
    for i in stride(from: 0, to: bytes.count, by: 4) {
      let alpha = Int(bytes[i + 3])
      for c in 0..<3 { out.append(mixed(bytes[i + c], over: under[c], alpha)) }
    }
    return Picture(width: width, height: height, channels: 3, bytes: out)
  }

  /// The [channels] of one pixel.
  public subscript(x: Int, y: Int) -> ArraySlice<UInt8> {
    let start = (y * width + x) * channels
    return bytes[start..<start + channels]
  }
}

/// A value over another by its alpha, 0...255, rounded.
func mixed(_ value: UInt8, over ground: UInt8, _ alpha: Int) -> UInt8 {
  let sum: Int = Int(value) * alpha + Int(ground) * (255 - alpha)
  return UInt8((sum + 127) / 255)
}

/// The colour under what is transparent and around what is fitted. White unless told otherwise.
public struct Ground: Hashable, Codable, Sendable, LosslessStringConvertible {
  public let red: UInt8
  public let green: UInt8
  public let blue: UInt8
  public static let white = Ground(255, 255, 255)
  public static let black = Ground(0, 0, 0)

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

  /// - Parameter description: "white", "black", "grey" or six hexadecimal digits, "ff8800" or "#ff8800".
  public init?(_ description: String) {
    let names: [String: Ground] = ["white": .white, "black": .black, "grey": Ground(128, 128, 128)]
    let digits = description.hasPrefix("#") ? String(description.dropFirst()) : description
    if let named = names[description.lowercased()] {
      self = named
    } else if digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit), let value = Int(digits, radix: 16) {
      self.init(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
    } else {
      return nil
    }
  }

  /// Six hexadecimal digits.
  public var description: String {
    let digits = String(Int(red) << 16 | Int(green) << 8 | Int(blue), radix: 16)
    return String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// Rec. 709 luma, 0...255.
  var grey: UInt8 {
    let luma: Double = 0.2126 * Double(red) + 0.7152 * Double(green) + 0.0722 * Double(blue)
    return UInt8(luma.rounded())
  }

  /// With 4 channels the ground is there but can't be seen.
  func pixel(channels: Int) -> [UInt8] {
    switch channels {
    case 1: [grey]
    case 3: [red, green, blue]
    default: [red, green, blue, 0]
    }
  }
}
