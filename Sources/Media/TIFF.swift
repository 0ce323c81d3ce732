/// What one picture (page) of a TIFF is, read from its tags (TIFF 6.0; BigTIFF; TIFF/EP), without decoding it.
struct TIFFPage: Equatable {
  /// The page's number, and that of the directory inside it (SubIFDs) where it is one.
  var page = 0
  var inner: Int?
  var width = 0, height = 0
  /// NewSubfileType's first bit: a smaller copy of another page.
  var isReduced = false
  /// Bits a channel, and their kind: 1 unsigned, 2 signed, 3 floating point.
  var bits = 1, sampleFormat = 1
  var photometric = -1
  var compression = 1
  var samples = 1
  /// ExtraSamples: 1 for colours multiplied by alpha.
  var extra: [Int] = []
  /// Has a DNGVersion, or a colour filter's or linear raw's photometric interpretation.
  var isRaw = false
  var orientation = 1
  /// YCbCrSubSampling.
  var subsampling = [2, 2]
  /// Whether YCbCrCoefficients and ReferenceBlackWhite are as JPEG has them.
  var isUsualYCbCr = true

  /// What libvips would read wrongly or not at all, as the end of "it has ..."; nil for the rest.
  var unread: String? {
    if sampleFormat == 3, bits != 32 { return "floating-point numbers of \(bits) bits" }
    if sampleFormat >= 5 { return "complex numbers" }
    if photometric == 6, compression != 6, compression != 7 {
      if subsampling != [1, 1] { return "subsampled YCbCr colours without JPEG compression" }
      if bits != 8 || !isUsualYCbCr { return "YCbCr colours of an unusual kind" }
    }
    if photometric == 32844 || photometric == 32845 { return "LogLuv colours" }
    if photometric == 9 || photometric == 10 { return "Lab colours of the kind of ICC or ITU" }
    if sampleFormat != 3, ![1, 2, 4, 8, 16, 32].contains(bits) { return "\(bits) bits a channel" }
    return nil
  }

  /// As libvips's loader takes it.
  var options: String { inner.map { "page=\(page),subifd=\($0)" } ?? "page=\(page)" }
}

/// All pages of a TIFF. What is damaged ends the list: the decoder says so.
struct TIFFDirectory {
  private(set) var pages: [TIFFPage] = []
  /// Whether a camera's raw picture is in it.
  private(set) var isRaw = false

  /// Pages that are looked at: documents may have thousands.
  private static let most = 256

  /// The largest page, and of alike ones the first: a thumbnail often comes before its picture.
  var largest: TIFFPage? {
    pages.enumerated().max { a, b in
      (a.element.width * a.element.height, b.offset) < (b.element.width * b.element.height, a.offset)
    }?.element
  }

  /// - Returns: nil for what is no TIFF.
  init?(_ bytes: [UInt8]) {
    let reader = TIFFTags(bytes)
    guard let reader, var next = reader.first else { return nil }
    var seen: Set<Int> = []
    while next != 0, seen.insert(next).inserted, pages.count < Self.most {
      guard let (page, after, children) = reader.page(at: next) else { break }
      var outer = page
      outer.page = pages.last.map { $0.page + 1 } ?? 0
      pages.append(outer)
      next = after
      for (number, child) in children.enumerated() where seen.insert(child).inserted && pages.count < Self.most {
        guard var (inner, _, _) = reader.page(at: child) else { continue }
        (inner.page, inner.inner) = (outer.page, number)
        pages.append(inner)
      }
    }
    isRaw = pages.contains(where: \.isRaw)
  }
}

/// A TIFF's numbers and tags, of either byte order, at checked places; Exif data are built alike.
struct TIFFTags {
  private let bytes: [UInt8]
  private let isBig: Bool, isLittleEndian: Bool

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 16, let order = [0x49: true, 0x4D: false][bytes[0]], bytes[1] == bytes[0] else { return nil }
    let version = order ? bytes[2] : bytes[3]
    guard version == 42 || version == 43 else { return nil }
    (self.bytes, isLittleEndian, isBig) = (bytes, order, version == 43)
  }

  var first: Int? { isBig ? number(at: 8, 8) : number(at: 4, 4) }

  func number(at place: Int, _ count: Int) -> Int? {
    guard place >= 0, place <= bytes.count - count else { return nil }
    let part = bytes[place..<place + count]
    let value = (isLittleEndian ? Array(part.reversed()) : Array(part)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(exactly: value)
  }

  /// Where a directory's entries lie and how they are built: bytes of their count, of each, and of a place in the file.
  private var layout: (counted: Int, each: Int, offset: Int) { isBig ? (8, 20, 8) : (2, 12, 4) }

  private func entry(_ tag: Int, at directory: Int) -> (place: Int, type: Int, length: Int)? {
    let (counted, each, offset) = layout
    guard let count = number(at: directory, counted), (1...4096).contains(count) else { return nil }
    for i in 0..<count {
      let place = directory + counted + each * i
      guard let found = number(at: place, 2), let type = number(at: place + 2, 2),
        let length = number(at: place + 4, offset)
      else { return nil }
      if found == tag { return (place + 4 + offset, type, length) }
    }
    return nil
  }

  /// The only number of a tag, of 16 or 32 bits.
  func value(_ tag: Int, at directory: Int) -> Int? {
    guard let entry = entry(tag, at: directory), entry.length == 1, let size = [3: 2, 4: 4][entry.type] else {
      return nil
    }
    return number(at: entry.place, size)
  }

  /// A text of at most three letters, which lies in the tag itself.
  func text(_ tag: Int, at directory: Int) -> String? {
    guard let entry = entry(tag, at: directory), entry.type == 2, (1...4).contains(entry.length) else { return nil }
    let letters = (0..<entry.length).compactMap { number(at: entry.place + $0, 1) }.map(UInt8.init)
    return String(decoding: letters.prefix { $0 != 0 }, as: UTF8.self)
  }
}

extension TIFFTags {
  fileprivate func page(at place: Int) -> (page: TIFFPage, next: Int, children: [Int])? {
    let (counted, each, offset) = layout
    guard let count = number(at: place, counted), (1...4096).contains(count) else { return nil }
    var page = TIFFPage()
    var children: [Int] = []
    for i in 0..<count {
      let entry = place + counted + each * i
      guard let tag = number(at: entry, 2), let type = number(at: entry + 2, 2),
        let length = number(at: entry + 4, offset)
      else { return nil }
      func values(_ most: Int = 8) -> [Int] {
        let size = [1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8][type] ?? 0
        guard size > 0, length > 0, length <= 1 << 20 else { return [] }
        let isInside = size * length <= offset
        guard let start = isInside ? entry + 4 + offset : number(at: entry + 4 + offset, offset) else { return [] }
        return (0..<min(length, most)).compactMap { number(at: start + size * $0, size) }
      }
      func ratios() -> [Double] {
        guard type == 5, length <= 6, let start = number(at: entry + 4 + offset, offset) else { return [] }
        return (0..<length).compactMap { i in
          guard let a = number(at: start + 8 * i, 4), let b = number(at: start + 8 * i + 4, 4), b > 0 else {
            return nil
          }
          return Double(a) / Double(b)
        }
      }
      func near(_ a: [Double], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 0.001 * max(1, $1) }
      }
      switch tag {
      case 254: page.isReduced = (values().first ?? 0) & 1 == 1
      case 256: page.width = values().first ?? 0
      case 257: page.height = values().first ?? 0
      case 258: page.bits = values().max() ?? 1
      case 259: page.compression = values().first ?? 1
      case 262: page.photometric = values().first ?? -1
      case 274: page.orientation = values().first ?? 1
      case 277: page.samples = values().first ?? 1
      case 330: children = values(16)
      case 338: page.extra = values()
      case 339: page.sampleFormat = values().max() ?? 1
      case 530: page.subsampling = values()
      case 529: page.isUsualYCbCr = page.isUsualYCbCr && near(ratios(), [0.299, 0.587, 0.114])
      case 532: page.isUsualYCbCr = page.isUsualYCbCr && near(ratios(), [0, 255, 128, 255, 128, 255])
      case 50706: page.isRaw = true
      default: break
      }
    }
    // CFA, and LinearRaw of DNG.
    if page.photometric == 32803 || page.photometric == 34892 { page.isRaw = true }
    return (page, number(at: place + counted + each * count, offset) ?? 0, children)
  }
}
