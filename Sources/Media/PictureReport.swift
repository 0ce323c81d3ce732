import Torch

/// One thing that is known of a file: what the file has, how it is read here, and what that loses.
public struct FileFact: Codable, Hashable, Sendable {
  public let property: String
  public let file: String
  public let read: String
  /// Nil where nothing is lost.
  public let lost: String?

  public init(_ property: String, _ file: String, read: String, lost: String? = nil) {
    (self.property, self.file, self.read, self.lost) = (property, file, read, lost)
  }
}

extension Picture {
  /// What a picture's file is, how it is read, and what will be lost.
  ///
  /// - Throws: `PictureError`, also for what is damaged anywhere.
  public static func report(_ bytes: [UInt8], named name: String, limits: Decoding.Limits = .init())
    throws(PictureError) -> [FileFact]
  {
    let result: Result<[FileFact], PictureError> = bytes.withUnsafeBytes { buffer in
      Result { () throws(PictureError) in
        let (canvas, reading) = try opened(bytes, buffer, named: name, limits)
        let kept = canvas.metadata
        let (facts, orientation) = (canvas.facts(reading), canvas.orientation)
        guard let standard = try canvas.standard(reading, named: name), let pixels = standard.0.pixels else {
          throw broken(bytes, named: name, reading.format)
        }
        let isSeenThrough =
          reading.alpha != .none
          && stride(from: standard.0.bands - 1, to: pixels.count, by: standard.0.bands).contains { pixels[$0] < 255 }
        return reading.facts(facts, canvas, orientation, standard.1, isSeenThrough, kept)
      }
    }
    return try result.get()
  }
}

extension PictureReading {
  fileprivate func facts(
    _ facts: PictureFacts, _ canvas: Canvas, _ orientation: Int, _ range: NumericRange?, _ isSeenThrough: Bool,
    _ metadata: [String]
  ) -> [FileFact] {
    let turn = [
      2: "mirrored", 3: "upside down", 4: "upside down and mirrored", 5: "on its side and mirrored", 6: "on its side",
      7: "on its side and mirrored", 8: "on its side",
    ][orientation]
    let size = "\(facts.width) × \(facts.height) px"
    var rows = [
      FileFact("format", format.rawValue, read: format.rawValue),
      FileFact(
        "size", turn.map { "\(canvas.width) × \(canvas.height) px, \($0)" } ?? size,
        read: turn == nil ? size : "\(size), upright"),
    ]
    if pages > 1 {
      let isDocument = format == .tiff || format == .heic
      let number = (page?.page ?? 0) + 1
      rows.append(
        FileFact(
          isDocument ? "pages" : "frames", "\(pages)",
          read: isDocument ? (number > 1 ? "page \(number), the largest" : "the first") : "the first; films read all",
          lost: isDocument ? "the others" : nil))
    } else if let page, page.page > 0 || page.inner != nil {
      rows.append(FileFact("pages", "a thumbnail and the picture", read: "the picture"))
    }
    rows.append(colourFact)
    rows.append(depthFact(canvas, range))
    if spareChannels > 0 {
      rows.append(
        FileFact("other channels", "\(spareChannels) without a meaning", read: "left aside", lost: "all of them"))
    }
    let alphaWords =
      alpha == .none
      ? "none" : "\(alpha == .premultiplied ? "premultiplied" : "straight")\(isSeenThrough ? "" : ", all opaque")"
    rows.append(
      FileFact("transparency", alphaWords, read: alpha == .none ? "opaque" : isSeenThrough ? "kept" : "opaque"))
    rows.append(
      FileFact(
        "metadata", metadata.isEmpty ? "none" : metadata.joined(separator: ", "),
        read: "nothing but its orientation and colours",
        lost: metadata.isEmpty ? nil : "all, in what is made of it"))
    return rows
  }

  private var colourFact: FileFact {
    let kind = inks == 4 ? "CMYK" : inks == 1 ? "grey" : "RGB"
    let ignored = ignoredProfile.map { "\(kind) with a profile for other colours (\($0))" }
    let beyond = "what is beyond sRGB"
    switch colours {
    case .sRGB:
      return FileFact("colours", ignored ?? "\(kind) without a profile", read: inks == 1 ? "grey" : "sRGB")
    case .profile(let name):
      return FileFact(
        "colours", "\(kind), ICC profile \(name)", read: inks == 1 ? "grey" : "sRGB",
        lost: inks == 1 || name.hasPrefix("sRGB") ? nil : beyond)
    case .named(let words):
      return FileFact("colours", "\(kind), \(words)", read: inks == 1 ? "grey" : "sRGB", lost: inks == 1 ? nil : beyond)
    case .lab: return FileFact("colours", "CIELAB under D50", read: "sRGB", lost: beyond)
    case .ycbcr: return FileFact("colours", "YCbCr", read: "sRGB")
    case .linear: return FileFact("colours", ignored ?? "RGB without a profile", read: "sRGB")
    case .press:
      return FileFact(
        "colours", ignored ?? "CMYK without a profile", read: "sRGB, as of a common press",
        lost: "what is beyond sRGB, and the inks")
    }
  }

  private func depthFact(_ canvas: Canvas, _ range: NumericRange?) -> FileFact {
    let bits = page.map(\.bits) ?? canvas.bits
    guard let range else {
      return FileFact(
        "depth", bits == 1 ? "1 bit" : "\(bits) bits", read: "8 bits", lost: bits > 8 ? "finer steps than 256" : nil)
    }
    let kind = canvas.isFloat ? "floating point" : "integers"
    let meaning = colours == .linear && range == .unit ? "linear light, \(range.words)" : range.words
    return FileFact("depth", "\(bits) bits, \(kind), \(meaning)", read: "8 bits", lost: "finer steps than 256")
  }
}
