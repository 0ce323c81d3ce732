import Foundation

/// Colours as curves and a matrix (ICC.1:2022, section 8.3), worked out exactly: libvips's way through a table is some levels off
/// in the dark.
struct MatrixProfile {
  /// Light of a value, both 0...1: three of them, or one of grey.
  let curves: [(Double) -> Double]
  /// RGB to linear sRGB, by rows; of no use to grey.
  private let matrix: [[Double]]

  /// - Parameter toXYZ: under D50, by rows.
  init(curves: [(Double) -> Double], toXYZ: [[Double]]) {
    self.curves = curves
    matrix = product(inverse(ColourProfile().toXYZ), toXYZ)
  }

  /// - Returns: nil for profiles with tables, and for those that aren't of RGB or grey.
  init?(icc bytes: [UInt8]) {
    guard let space = ICCProfile(bytes).space, let tags = Self.tags(bytes), tags["A2B0"] == nil else { return nil }
    switch space {
    case .grey:
      guard let curve = tags["kTRC"].flatMap(Self.curve) else { return nil }
      self.init(curves: [curve], toXYZ: ColourProfile().toXYZ)
    case .rgb:
      let columns = ["rXYZ", "gXYZ", "bXYZ"].compactMap { tags[$0].flatMap(Self.xyz) }
      let curves = ["rTRC", "gTRC", "bTRC"].compactMap { tags[$0].flatMap(Self.curve) }
      guard columns.count == 3, curves.count == 3 else { return nil }
      self.init(curves: curves, toXYZ: (0..<3).map { row in columns.map { $0[row] } })
    case .cmyk, .lab: return nil
    }
  }

  /// Bytes of sRGB, or of grey, for values in 0...`most`, which has a table of its own.
  func bytes<Value: BinaryInteger>(_ values: UnsafeBufferPointer<Value>, most: Int) -> [UInt8] {
    if curves.count == 1 {
      let levels = (0...most).map { Self.levels[Self.index(curves[0](Double($0) / Double(most)))] }
      return values.map { levels[Int($0)] }
    }
    let light = curves.map { curve in (0...most).map { Float(curve(Double($0) / Double(most))) } }
    let rows = matrix.map { SIMD3(Float($0[0]), Float($0[1]), Float($0[2])) }
    return [UInt8](unsafeUninitializedCapacity: values.count) { out, filled in
      for i in stride(from: 0, to: values.count - 2, by: 3) {
        let rgb = SIMD3(light[0][Int(values[i])], light[1][Int(values[i + 1])], light[2][Int(values[i + 2])])
        for c in 0..<3 { out[i + c] = Self.levels[Self.index(Double((rows[c] * rgb).sum()))] }
      }
      filled = values.count
    }
  }

  /// Bytes of sRGB for CIELAB under D50 (CIE 15:2018, section 8.2.1).
  static func bytes(lab: UnsafeBufferPointer<Float>) -> [UInt8] {
    let rows = inverse(ColourProfile().toXYZ).map { SIMD3(Float($0[0]), Float($0[1]), Float($0[2])) }
    func cubed(_ f: Float) -> Float { f > 6 / 29 ? f * f * f : 3 * 36 / 841 * (f - 4 / 29) }
    return [UInt8](unsafeUninitializedCapacity: lab.count) { out, filled in
      for i in stride(from: 0, to: lab.count - 2, by: 3) {
        let fy = (lab[i] + 16) / 116
        let xyz = SIMD3(
          cubed(fy + lab[i + 1] / 500) * 0.9642, cubed(fy), cubed(fy - lab[i + 2] / 200) * 0.8249)
        for c in 0..<3 { out[i + c] = levels[index(Double((rows[c] * xyz).sum()))] }
      }
      filled = lab.count
    }
  }

  /// sRGB's level, 0...255, of light in steps of 1/65,535: a twentieth of a level in the dark.
  private static let levels: [UInt8] = (0...65_535).map { step in
    let light = Double(step) / 65_535
    let value = light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055
    return UInt8((255 * value).rounded())
  }
  private static func index(_ light: Double) -> Int { light > 0 ? Int(min(light, 1) * 65_535 + 0.5) : 0 }

  // MARK: Reading ICC's tags

  private static func number(_ bytes: some RandomAccessCollection<UInt8>, _ at: Int, _ count: Int = 4) -> Int? {
    guard at >= 0, at + count <= bytes.count else { return nil }
    return bytes.dropFirst(at).prefix(count).reduce(0) { $0 << 8 | Int($1) }
  }

  private static func tags(_ bytes: [UInt8]) -> [String: ArraySlice<UInt8>]? {
    guard let count = number(bytes, 128), count <= 200 else { return nil }
    var tags: [String: ArraySlice<UInt8>] = [:]
    for i in 0..<count {
      let entry = 132 + 12 * i
      guard let at = number(bytes, entry + 4), let length = number(bytes, entry + 8), at + length <= bytes.count
      else { return nil }
      tags[String(decoding: bytes[entry..<entry + 4], as: UTF8.self)] = bytes[at..<at + length]
    }
    return tags
  }

  private static func fixed(_ tag: ArraySlice<UInt8>, _ at: Int) -> Double? {
    number(tag, at).map { Double(Int32(truncatingIfNeeded: $0)) / 65_536 }
  }

  private static func xyz(_ tag: ArraySlice<UInt8>) -> [Double]? {
    let values = [8, 12, 16].compactMap { fixed(tag, $0) }
    return values.count == 3 ? values : nil
  }

  /// A curve of one number, of points, or of parameters.
  private static func curve(_ tag: ArraySlice<UInt8>) -> ((Double) -> Double)? {
    switch String(decoding: tag.prefix(4), as: UTF8.self) {
    case "curv":
      guard let count = number(tag, 8), count <= 65_536 else { return nil }
      if count == 0 { return { $0 } }
      let points = (0..<count).compactMap { number(tag, 12 + 2 * $0, 2) }
      guard points.count == count else { return nil }
      if count == 1 {
        let gamma = Double(points[0]) / 256
        return { pow($0, gamma) }
      }
      return { value in
        let place = min(max(value, 0), 1) * Double(count - 1), low = min(Int(place), count - 2)
        let (a, b) = (Double(points[low]), Double(points[low + 1]))
        return (a + (b - a) * (place - Double(low))) / 65_535
      }
    case "para":
      guard let kind = number(tag, 8, 2), kind <= 4 else { return nil }
      let count = [1, 3, 4, 5, 7][kind]
      let p = (0..<count).compactMap { fixed(tag, 12 + 4 * $0) }
      guard p.count == count else { return nil }
      let (g, a, b) = (p[0], count > 1 ? p[1] : 1, count > 1 ? p[2] : 0)
      let (c, d) = (kind >= 2 ? p[3] : 0, kind >= 3 ? p[4] : a == 0 ? 0 : -b / a)
      let (e, f) = kind == 4 ? (p[5], p[6]) : kind == 2 ? (c, c) : (0, 0)
      return { value in
        value >= d ? pow(max(0, a * value + b), g) + e : (kind >= 3 ? c * value : 0) + f
      }
    default: return nil
    }
  }
}

func product(_ a: [[Double]], _ v: [Double]) -> [Double] {
  a.map { row in zip(row, v).reduce(0) { $0 + $1.0 * $1.1 } }
}
func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  a.map { row in (0..<3).map { j in (0..<3).reduce(0) { $0 + row[$1] * b[$1][j] } } }
}
func inverse(_ m: [[Double]]) -> [[Double]] {
  func minor(_ i: Int, _ j: Int) -> Double {
    let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3)
    return m[a][c] * m[b][d] - m[a][d] * m[b][c]
  }
  let determinant = (0..<3).reduce(0) { $0 + m[0][$1] * minor(0, $1) }
  return (0..<3).map { i in (0..<3).map { j in minor(j, i) / determinant } }
}
