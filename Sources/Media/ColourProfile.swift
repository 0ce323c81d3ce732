import Foundation

/// Colours that a file names by numbers alone: a PNG's gAMA, cHRM and cICP, and an AVIF's nclx.
struct ColourProfile {
  /// Chromaticities x, y of white, red, green and blue.
  var white = (x: 0.3127, y: 0.3290)
  var red = (x: 0.64, y: 0.33), green = (x: 0.30, y: 0.60), blue = (x: 0.15, y: 0.06)
  var curve = Curve.sRGB

  /// How a value of a file becomes light.
  enum Curve: Equatable {
    case sRGB
    /// Light is the value to this power.
    case power(Double)
    /// BT.709's camera curve.
    case bt709

    /// The light of a value, both in 0...1.
    func light(_ value: Double) -> Double {
      switch self {
      case .sRGB: value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
      case .power(let gamma): pow(value, gamma)
      case .bt709: value < 0.081 ? value / 4.5 : pow((value + 0.099) / 1.099, 1 / 0.45)
      }
    }
  }

  /// Whether it is sRGB, as nearly as files write it down.
  var isSRGB: Bool {
    let standard = ColourProfile()
    func near(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> Bool {
      abs(a.x - b.x) < 0.002 && abs(a.y - b.y) < 0.002
    }
    return curve == .sRGB && near(white, standard.white) && near(red, standard.red) && near(green, standard.green)
      && near(blue, standard.blue)
  }

  /// By the code points of ITU-T H.273: primaries 1, 5, 6, 9, 11 and 12, and transfers of standard dynamic range.
  ///
  /// - Returns: nil for others.
  init?(primaries: Int, transfer: Int) {
    switch primaries {
    case 1, 2: break
    case 5: (red, green, blue) = ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))
    case 6, 7: (red, green, blue) = ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07))
    case 9: (red, green, blue) = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
    case 11: (white, red, green, blue) = ((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
    case 12: (red, green, blue) = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
    default: return nil
    }
    switch transfer {
    // Pictures that say BT.709 are shown by sRGB's curve, as everything does.
    case 1, 2, 6, 13, 14, 15: curve = .sRGB
    case 4: curve = .power(2.2)
    case 5: curve = .power(2.8)
    case 8: curve = .power(1)
    default: return nil
    }
  }
  init() {}

  /// RGB to XYZ under D50, by rows; white becomes D50 by Bradford's adaptation (ICC.1:2022, annex E).
  var toXYZ: [[Double]] {
    func xyz(_ p: (x: Double, y: Double)) -> [Double] { [p.x / p.y, 1, (1 - p.x - p.y) / p.y] }
    let primaries = [red, green, blue].map(xyz)
    let columns = (0..<3).map { row in primaries.map { $0[row] } }
    let scale = product(inverse(columns), xyz(white))
    let matrix = columns.map { zip($0, scale).map { $0 * $1 } }
    let bradford = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    let (from, to) = (product(bradford, xyz(white)), product(bradford, [0.9642, 1, 0.8249]))
    let cones = (0..<3).map { i in bradford[i].map { $0 * to[i] / from[i] } }
    return product(product(inverse(bradford), cones), matrix)
  }

  func matrixed(isGrey: Bool) -> MatrixProfile {
    MatrixProfile(curves: Array(repeating: curve.light, count: isGrey ? 1 : 3), toXYZ: toXYZ)
  }
}

/// What a file says of its colours by numbers, where it has no ICC profile.
enum NamedColours {
  case profile(ColourProfile, words: String)
  /// High dynamic range: PQ or HLG.
  case highRange(String)

  /// Of a PNG's cICP, or else its gAMA and cHRM, unless sRGB or iCCP go before (PNG, third edition, section 4.3); of an
  /// AVIF's or HEIC's colr; of a JPEG's Exif data.
  ///
  /// - Returns: nil for plain sRGB.
  init?(_ file: [UInt8], _ format: PictureFormat) {
    switch format {
    case .png: self.init(png: file)
    case .avif, .heic: self.init(boxes: file)
    case .jpeg:
      guard ExifColours.isAdobeRGB(jpeg: file) else { return nil }
      self = .profile(ExifColours.adobeRGB, words: "Adobe RGB, which Exif says")
    default: return nil
    }
  }

  private init?(png file: [UInt8]) {
    var found: [String: ArraySlice<UInt8>] = [:]
    var at = PNG.signature.count
    // Only what comes before the pixels counts.
    while at + 12 <= file.count {
      let length = file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
      let type = String(decoding: file[at + 4..<at + 8], as: UTF8.self)
      guard length <= file.count - at - 12, type != "IDAT" else { break }
      if found[type] == nil { found[type] = file[at + 8..<at + 8 + length] }
      at += 12 + length
    }
    if let code = found["cICP"], code.count == 4 {
      let code = Array(code)
      self.init(primaries: Int(code[0]), transfer: Int(code[1]))
      return
    }
    guard found["iCCP"] == nil, found["sRGB"] == nil else { return nil }
    func numbers(_ chunk: ArraySlice<UInt8>) -> [Double] {
      let bytes = Array(chunk)
      return stride(from: 0, to: bytes.count - 3, by: 4).map { start in
        Double(bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }) / 100_000
      }
    }
    var profile = ColourProfile()
    var words: [String] = []
    if let gamma = found["gAMA"].map(numbers)?.first, gamma > 0.01, gamma < 10 {
      // 1/2.2 stands for sRGB's own curve, which has no number; 0.50994 is FFmpeg's for a film's frame in BT.709, which is shown by
      // sRGB's curve, as the film is.
      if abs(gamma - 0.45455) > 0.005, abs(gamma - 0.50994) > 0.0001 {
        profile.curve = .power(1 / gamma)
        words.append(String(format: "gamma %.4g", 1 / gamma))
      }
    }
    if let c = found["cHRM"].map(numbers), c.count == 8, c.allSatisfy({ $0 < 1 }),
      [1, 3, 5, 7].allSatisfy({ c[$0] > 0.001 })
    {
      profile.white = (c[0], c[1])
      (profile.red, profile.green, profile.blue) = ((c[2], c[3]), (c[4], c[5]), (c[6], c[7]))
      var plain = profile
      plain.curve = .sRGB
      if !plain.isSRGB { words.append("primaries of its own") }
    }
    guard !profile.isSRGB, !words.isEmpty else { return nil }
    self = .profile(profile, words: words.joined(separator: " and "))
  }

  private init?(boxes file: [UInt8]) {
    let head = Array(file.prefix(1 << 16)), mark = Array("colrnclx".utf8)
    guard !Self.contains(head, Array("colrprof".utf8)), !Self.contains(head, Array("colrrICC".utf8)),
      let at = Self.place(of: mark, in: head), at + 12 <= head.count
    else { return nil }
    func number(_ i: Int) -> Int { Int(head[i]) << 8 | Int(head[i + 1]) }
    self.init(primaries: number(at + 8), transfer: number(at + 10))
  }

  private init?(primaries: Int, transfer: Int) {
    switch transfer {
    case 16: self = .highRange("PQ")
    case 18: self = .highRange("HLG")
    default:
      guard let profile = ColourProfile(primaries: primaries, transfer: transfer), !profile.isSRGB else { return nil }
      let names = [1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"]
      self = .profile(profile, words: "\(names[primaries] ?? "BT.709") primaries")
    }
  }

  private static func contains(_ bytes: [UInt8], _ run: [UInt8]) -> Bool { place(of: run, in: bytes) != nil }
  private static func place(of run: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= run.count else { return nil }
    return (0...bytes.count - run.count).first { bytes[$0] == run[0] && bytes[$0..<$0 + run.count].elementsEqual(run) }
  }
}
